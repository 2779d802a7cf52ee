/** What every usage stream must do, from the gateway's end to the control plane's. */
import type { UsageSource, UsageStream } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sampleUsage } from './samples.ts'

export type UsageUnderTest = {
  readonly stream: UsageStream
  readonly source: UsageSource
  /** A source of another process, after the first one died; the same one where there is no other. */
  successor(): UsageSource
  close(): Promise<void>
}

/** @param make both ends; unconfirmed batches must come again after about 200 ms */
export function usageStreamContract(name: string, make: () => Promise<UsageUnderTest>): void {
  const open = async () => {
    const made = await make()
    onTestFinished(() => made.close())
    return made
  }

  describe(`${name}: a usage stream`, () => {
    test('every record arrives, in order and unchanged', async () => {
      const { stream, source } = await open()
      const sent = Array.from({ length: 1234 }, (_, i) => sampleUsage({ totalMs: i, alias: 'größe-"x"' }))
      for (const record of sent.slice(0, 600)) stream.append(record)
      await stream.flush(5_000)
      for (const record of sent.slice(600)) stream.append(record)
      await stream.flush(5_000)
      expect(await drained(source)).toEqual(sent)
    })

    test('a batch holds no more than was asked for', async () => {
      const { stream, source } = await open()
      for (let i = 0; i < 150; i++) stream.append(sampleUsage())
      await stream.flush(5_000)
      expect((await source.take(100, 1_000)).records.length).toBeLessThanOrEqual(100)
    })

    test('with nothing to take, the wait ends with an empty batch that can be confirmed', async () => {
      const { source } = await open()
      const batch = await source.take(10, 50)
      expect(batch.records).toEqual([])
      await batch.confirm()
    })

    test('a confirmed batch does not come again, an unconfirmed one does, and can be told by its id', async () => {
      const { stream, source, successor } = await open()
      const [kept, lost] = [sampleUsage(), sampleUsage()]
      stream.append(kept)
      await stream.flush(5_000)
      const first = await source.take(1, 2_000)
      expect(first.records).toEqual([kept])
      await first.confirm()
      stream.append(lost)
      await stream.flush(5_000)
      expect((await source.take(1, 2_000)).records).toEqual([lost])
      const next = successor()
      await new Promise((done) => setTimeout(done, 250))
      const again = await drained(next)
      expect(again.map((it) => it.requestId)).toEqual([lost.requestId])
    })
  })
}

/** Takes and confirms until nothing comes any more. */
export async function drained(source: UsageSource): Promise<UsageRecord[]> {
  const records: UsageRecord[] = []
  while (true) {
    const batch = await source.take(500, 400)
    if (batch.records.length === 0) return records
    records.push(...batch.records)
    await batch.confirm()
  }
}
