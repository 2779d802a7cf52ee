/** Tokens are counted beside the calls; a thread that hangs, dies or is swamped costs nobody more than the count. */
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import type { CountQuestion } from './question.ts'
import { TokenCounter } from './token-counter.ts'

const body = (content: string) => Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }))
const question = (
  content = 'Hello there',
  said: CountQuestion['said'] = ['General Kenobi'],
): CountQuestion => ({
  ...{ model: 'gpt-4o', endpoint: 'chat.completions' as const, body: body(content), said },
})
const counted = { input: countTokens('Hello there') + 7, output: countTokens('General Kenobi') }

/** A thread that runs this in our place. */
const script = (source: string) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'\n${source}`)}`,
  )

const logLines: string[] = []
const log = (_level: string, message: string) => void logLines.push(message)

test('prompt and answer are counted, whether the answer comes as texts, whole, or not at all', async () => {
  const counter = new TokenCounter(log)
  const whole = Buffer.from(
    JSON.stringify({ choices: [{ index: 0, message: { content: 'General Kenobi' } }] }),
  )
  const both = await Promise.all([counter.count(question()), counter.count(question('Hello there', whole))])
  expect(both).toEqual([counted, counted])
  expect(await counter.count(question('Hello there', null))).toEqual({ ...counted, output: 0 })
  expect(counter.tally).toEqual({ counted: 3, given_up: 0, late: 0, full: 0, died: 0 })
  await counter.close(0)
  expect(await counter.count(question())).toBeNull()
})

test('bytes that share their memory with others are left as they are', async () => {
  const counter = new TokenCounter(log)
  const shared = Buffer.concat([Buffer.from('xx'), body('Hello there'), Buffer.from('xx')])
  const its = { ...question(), body: shared.subarray(2, -2) }
  expect(await counter.count(its)).toEqual(counted)
  expect(its.body.equals(body('Hello there'))).toBe(true)
  await counter.close(0)
})

test('what is no JSON, and what takes too long, is given up, and the thread goes on', async () => {
  const counter = new TokenCounter(log, { workMs: 200 })
  expect(await counter.count({ ...question(), body: Buffer.from('{') })).toBeNull()
  // Far more than can be counted in that time.
  const long = Buffer.alloc(20_000_000, 'word ').toString()
  expect(await counter.count(question(long))).toBeNull()
  expect(await counter.count(question())).toEqual(counted)
  expect(counter.tally).toMatchObject({ counted: 1, given_up: 2, died: 0 })
  await counter.close(0)
})

test.each([
  ['dies', `parentPort.on('message', () => { throw new Error('dead') })`],
  ['ends', `parentPort.on('message', () => process.exit(3))`],
  ['is no program', `this is no program`],
  [
    'takes all memory',
    `parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e6).fill(0.5)) })`,
  ],
  ['hangs', `parentPort.on('message', () => { for (;;); })`],
])(
  'a thread that %s leaves the estimate, and another one takes its place',
  async (_how, source) => {
    const counter = new TokenCounter(log, { hangMs: 3_000, waitMs: 20_000, restMs: 50 }, script(source))
    const before = logLines.length
    expect(await counter.count(question())).toBeNull()
    expect(counter.tally.died).toBe(1)
    // While it rests nobody waits for it.
    expect(await counter.count(question())).toBeNull()
    expect(counter.tally.died).toBe(2)
    expect(logLines.length).toBe(before + 1)
    await new Promise((done) => setTimeout(done, 60))
    expect(await counter.count(question())).toBeNull()
    expect(counter.tally).toMatchObject({ died: 3, counted: 0 })
    await counter.close(0)
  },
  60_000,
)

test('nobody waits longer than is allowed, and what is late is not heard any more', async () => {
  const slow = `parentPort.on('message', ({ number }) => setTimeout(() =>
    parentPort.postMessage({ number, counted: { input: 1, output: 1 } }), 400))`
  const counter = new TokenCounter(log, { waitMs: 100 }, script(slow))
  const asked = [question(), question(), question()].map((it) => counter.count(it))
  expect(await Promise.all(asked)).toEqual([null, null, null])
  expect(counter.tally).toMatchObject({ late: 3, counted: 0, died: 0 })
  await counter.close(0)
})

test('only so much waits: what is beyond it has the estimate at once', async () => {
  const never = script(`parentPort.on('message', () => {})`)
  const few = new TokenCounter(log, { questionsMax: 2 }, never)
  const waiting = [1, 2, 3].map(() => few.count(question()))
  expect(await few.count(question())).toBeNull()
  expect(few.tally.full).toBe(1)
  await few.close(0)
  expect(await Promise.all(waiting)).toEqual([null, null, null])
  const small = new TokenCounter(log, { bytesMax: 1000 }, never)
  expect(await small.count(question('x'.repeat(1000)))).toBeNull()
  expect(small.tally.full).toBe(1)
  await small.close(0)
})

test('whoever closes waits for what was asked, but not for ever', async () => {
  const counter = new TokenCounter(log)
  const asked = [counter.count(question()), counter.count(question())]
  await counter.close(20_000)
  expect(await Promise.all(asked)).toEqual([counted, counted])
  const stuck = new TokenCounter(log, {}, script(`parentPort.on('message', () => {})`))
  const never = stuck.count(question())
  await stuck.close(50)
  expect(await never).toBeNull()
})

test('without questions the thread ends, and with the next one there is another', async () => {
  const counter = new TokenCounter(log, { idleMs: 20 })
  expect(await counter.count(question())).toEqual(counted)
  await new Promise((done) => setTimeout(done, 100))
  expect(await counter.count(question())).toEqual(counted)
  expect(counter.tally).toMatchObject({ counted: 2, died: 0 })
  await counter.close(0)
})
