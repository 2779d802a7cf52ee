/**
 * The way in for every npm command: brings what this machine lacks, says so in one line each, and runs the
 * command. Plain JavaScript that runs on Node 20; what it starts runs on Node 24. It asks no questions.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringNode, isNodeNewEnough } from './bring-node.mjs'
import { bringPackages } from './bring-packages.mjs'
import { bringRedis } from './bring-redis.mjs'
import { runInForeground, Sorry } from './run-child.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const say = (line) => console.log(`• ${line}`)

/**
 * `redis` says what the command makes of a machine where no Redis can be had: 'wanted' goes on without it
 * (the gateway then keeps its counters in memory and says so), 'needed' fails.
 * A browser for the console's tests will be one more such need: a `bring-chromium.mjs` beside the others.
 */
const commands = {
  start: { about: 'run the whole gateway here', redis: 'wanted', run: ['standalone/src/main.ts'] },
  test: {
    about: 'every check and every test; `npm test -- <path>` for some',
    redis: 'needed',
    run: ['scripts/run-tests.mjs'],
  },
  'test-long': {
    about: 'the same, with many more rounds of random input',
    redis: 'needed',
    run: ['scripts/run-tests.mjs'],
    env: { TEST_ROUNDS: process.env.TEST_ROUNDS ?? '20' },
  },
  types: { about: 'types alone', run: ['scripts/run-checks.mjs', 'types'] },
  lint: { about: 'format, lint, dead code, dependency rules', run: ['scripts/run-checks.mjs', 'lint'] },
  house: {
    about: 'the tests of the house itself',
    redis: 'needed',
    run: ['scripts/run-tests.mjs', '--project=house'],
  },
  unit: {
    about: 'the tests beside the code',
    redis: 'needed',
    run: ['scripts/run-tests.mjs', '--project=unit'],
  },
  conformance: {
    about: 'the official clients against the gateway',
    redis: 'needed',
    run: ['scripts/run-tests.mjs', '--project=conformance'],
  },
  bench: { about: 'measure what the gateway costs', redis: 'needed', run: ['bench/main.ts'] },
  docs: { about: 'write docs/reference anew', run: ['scripts/docs.ts'] },
}

process.exitCode = await main(process.argv.slice(2)).catch((fault) => {
  if (!(fault instanceof Sorry)) throw fault
  console.error(fault.message)
  return fault.code
})

async function main([name, ...rest]) {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : null
  if (command === null) return help(name)
  if (!isNodeNewEnough()) {
    const { node, env } = await bringNode(root, say)
    return runInForeground(node, [fileURLToPath(import.meta.url), name, ...rest], { env })
  }
  await bringPackages(root, say)
  if (command.redis) bringOrExplain(command.redis)
  const [entry, ...args] = command.run
  if (!existsSync(join(root, entry))) throw new Sorry(`${entry} is not in this checkout: fetch it whole.`)
  return runInForeground(process.execPath, [join(root, entry), ...args, ...rest], {
    cwd: root,
    env: { ...process.env, ...command.env },
  })
}

function bringOrExplain(need) {
  const fault = bringRedis(root, say)
  if (fault === null) return
  if (need === 'needed') throw new Sorry(fault)
  say(fault)
}

function help(name) {
  const lines = Object.entries(commands).map(([command, { about }]) => `  ${command.padEnd(12)} ${about}`)
  const text = `node scripts/bootstrap.mjs <command>\n\n${lines.join('\n')}\n`
  if (['help', '--help', '-h'].includes(name)) {
    console.log(text)
    return 0
  }
  console.error(name ? `There is no command "${name}".\n\n${text}` : text)
  return 2
}
