/**
 * Texts that make tokenizers slow, through a whole gateway: whoever sends them holds up nobody. The bound of 50 ms is
 * judged in the long run, on the best of some tries; a usual run compares with what counting in this thread would do.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostileTexts } from '../pricing/hostile-texts.ts'
import { rounds } from '../servers/rounds.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { send } from './raw-client.ts'

const MEGABYTE = 1_000_000
const HELD_MS_MAX = 50
const isLong = rounds(1) > 1

let gateway: TestGateway
/** How long 30 000 letters hold up whoever counts them whole. */
let wholeMs: number
beforeAll(async () => {
  gateway = await startGateway({ models: ['cut-mid-stream-2'] })
  const startedMs = performance.now()
  countTokens('a'.repeat(30_000))
  wholeMs = performance.now() - startedMs
  await heldBy('warm')
})
afterAll(() => gateway.stop())

/** The longest time that this thread, gateway and all, was held while a call with this text was served and settled. */
async function heldBy(text: string): Promise<number> {
  const messages = [{ role: 'user', content: text }]
  const body = Buffer.from(JSON.stringify({ model: 'cut-mid-stream-2', stream: true, messages }))
  const before = gateway.records().length
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await send(gateway.origin, { headers, body }).catch(() => {})
  const record = (await gateway.recordsWhen(before + 1))[before]
  delay.disable()
  expect(record?.outcome).toBe('truncated')
  expect(['counted', 'estimated']).toContain(record?.usageSource)
  expect(record?.tokens.input).toBeLessThanOrEqual(Buffer.byteLength(JSON.stringify(messages)))
  return delay.max / 1e6
}

/** So long that it has a megabyte in UTF-8. */
function megabyteOf(kind: string): string {
  const make = hostileTexts[kind] as (length: number) => string
  const perUnit = Buffer.byteLength(make(10_000)) / 10_000
  return make(Math.floor(MEGABYTE / perUnit)).toWellFormed()
}

test.each(Object.keys(hostileTexts))('a megabyte of %s holds up no other call', async (kind) => {
  const text = megabyteOf(kind)
  let held = Number.POSITIVE_INFINITY
  for (let i = 0; i < (isLong ? 4 : 1); i++) held = Math.min(held, await heldBy(text))
  expect(held).toBeLessThan(isLong ? HELD_MS_MAX : wholeMs)
})
