/**
 * A script is a piece of Lua that Redis runs as one step. It is sent by its digest; only a server that does
 * not know it (restarted, failed over, flushed) is sent the text, which nothing was done with before.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedisClient } from './client.ts'

export type Script = { readonly text: string; readonly digest: string }

/** Reads `<name>.lua` from beside this file. */
export function readScript(name: string): Script {
  const text = readFileSync(join(import.meta.dirname, `${name}.lua`), 'utf8')
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}

/**
 * Runs a script.
 * @param keys at least one; in a cluster all of one hash slot
 * @throws what Redis says
 */
export async function runScript(
  client: RedisClient,
  script: Script,
  call: { readonly keys: readonly string[]; readonly args: readonly string[] },
): Promise<unknown> {
  // Copied whole: a spread into a list walks it value by value, and a batch has thousands.
  const tail = [String(call.keys.length)].concat(call.keys, call.args)
  const key = call.keys[0] ?? ''
  try {
    return await client.send(key, ['EVALSHA', script.digest].concat(tail))
  } catch (fault) {
    if (!(fault instanceof Error) || !fault.message.startsWith('NOSCRIPT')) throw fault
    return client.send(key, ['EVAL', script.text].concat(tail))
  }
}
