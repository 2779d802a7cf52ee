#!/usr/bin/env node
/**
 * The way in for `npx headgate`: plain JavaScript that any Node from 20 on can read, because the programme itself is
 * TypeScript that Node 24 runs as it is. Where the host has an older Node, the one that `npm start` brought is taken.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const tools = fileURLToPath(new URL('../../tools/node/', import.meta.url))
const brought = join(tools, 'node_modules', '.bin', 'node')

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main)
} else if (existsSync(brought)) {
  const child = spawn(brought, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 130))
} else {
  process.stderr.write(
    `headgate needs Node 24, this is ${process.version}. Run any npm command of this checkout once ` +
      '(for example `npm run types`): it brings one, which is used here from then on.\n',
  )
  process.exit(1)
}
