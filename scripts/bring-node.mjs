/**
 * Node 24 for machines whose own is older: from the npm registry, pinned and with its hash, into tools/node.
 * Everything after that runs under it. Production images use the official Node image instead.
 */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { insist, NPM_FLAGS, runQuietly, Sorry } from './run-child.mjs'

const NODE_MAJOR_MIN = 24
const SUPPORTED = ['linux-x64', 'linux-arm64']

/** True when the Node we run on is new enough for the product. */
export function isNodeNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN
}

/**
 * Makes sure of tools/node and gives the environment in which `node` and `npm` mean the new one.
 * @throws Sorry when it cannot be had.
 */
export async function bringNode(root, say) {
  const home = join(root, 'tools/node')
  const bin = join(home, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  if (existsSync(join(bin, 'node'))) return { node: join(bin, 'node'), env }
  const advice = `install Node ${NODE_MAJOR_MIN} or newer (https://nodejs.org)`
  if (!SUPPORTED.includes(`${process.platform}-${process.arch}`))
    throw new Sorry(
      `Node ${process.version} is too old and there is no other for this system here: ${advice}.`,
    )
  say(`Fetching Node ${NODE_MAJOR_MIN} into tools/node (this one is ${process.version})`)
  const done = await runQuietly('npm', ['install', ...NPM_FLAGS, '--ignore-scripts'], {
    cwd: home,
  })
  insist(done, `Node ${process.version} is too old and npm could not fetch another: ${advice}.`)
  if (!existsSync(join(bin, 'node')))
    throw new Sorry(`Node ${process.version} is too old and npm brought no other into tools/node: ${advice}.`)
  return { node: join(bin, 'node'), env }
}
