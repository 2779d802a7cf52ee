/** Whatever is committed reaches a sink once, in whatever order transactions end, and nothing that was rolled back. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { UsageRecord } from '@headgate/domain/usage-record'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../control-plane/src/database/open.ts'
import { writeRecordBatch } from '../../control-plane/src/database/usage-batches.ts'
import { registerSink } from '../../control-plane/src/database/usage-sinks.ts'
import { insertUsage } from '../../control-plane/src/jobs/usage-rows.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { rounds } from '../servers/rounds.ts'
import { feedAll, memorySink, type SinkWorld, sinkWorld } from './world.ts'

let it: SinkWorld
beforeAll(async () => {
  it = await sinkWorld()
  // Makes the partitions: whoever makes one waits for transactions that have written beside it.
  await it.usage.store(some(1))
})
afterAll(() => it.close())
beforeEach(async () => {
  await it.db.deleteFrom('usageSinks').execute()
  await it.db.deleteFrom('usageBatches').execute()
})

let made = 0
const some = (count: number) => Array.from({ length: count }, () => usageRecord(made++))
const idsOf = (records: readonly UsageRecord[]) => records.map((it) => `${it.requestId}-${it.attempt}`)

/** A transaction that has stored records and ends when it is told to. */
async function open(records: readonly UsageRecord[]) {
  let end: (how: 'commit' | 'roll back') => void = () => {}
  const told = new Promise<'commit' | 'roll back'>((resolve) => {
    end = resolve
  })
  let isStored: () => void = () => {}
  const stored = new Promise<void>((resolve) => {
    isStored = resolve
  })
  const work = async (db: Database) => {
    await insertUsage(db, records)
    await writeRecordBatch(db, records)
    isStored()
    if ((await told) === 'roll back') throw new Error('rolled back')
  }
  const ended = it.db
    .transaction()
    .execute(work)
    .catch(() => {})
  await stored
  return {
    end: async (how: 'commit' | 'roll back') => {
      end(how)
      await ended
    },
  }
}

test('what began earlier and is committed later is given later, and holds up nothing meanwhile', async () => {
  const sink = memorySink('order')
  await it.feed(sink)
  const [early, late] = [some(3), some(3)]
  const transaction = await open(early)
  await it.usage.store(late)
  await feedAll(it, sink)
  expect([...sink.given.keys()].toSorted()).toEqual(idsOf(late))
  await transaction.end('commit')
  await feedAll(it, sink)
  expect([...sink.given.keys()].toSorted()).toEqual(idsOf([...early, ...late]))
  expect([...sink.times.values()].every((times) => times === 1)).toBe(true)
})

test('any order of beginnings, ends and readings by two sinks gives each committed record once to each', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('begin' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(3), commits: fc.boolean() }),
    fc.record({ kind: fc.constant('read' as const), which: fc.nat(1) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      await it.db.deleteFrom('usageSinks').execute()
      const sinks = [memorySink('one'), memorySink('two')]
      for (const sink of sinks) await it.feed(sink)
      const under: { records: UsageRecord[]; end: Awaited<ReturnType<typeof open>>['end'] }[] = []
      const committed: UsageRecord[] = []
      const end = async (nth: number, commits: boolean) => {
        const [one] = under.splice(nth, 1)
        if (one === undefined) return
        await one.end(commits ? 'commit' : 'roll back')
        if (commits) committed.push(...one.records)
      }
      for (const one of steps) {
        if (one.kind === 'read') await feedAll(it, sinks[one.which] ?? memorySink('none'))
        else if (one.kind === 'end') await end(one.which, one.commits)
        else if (under.length < 4) {
          const records = some(one.count)
          under.push({ records, ...(await open(records)) })
        }
      }
      while (under.length > 0) await end(0, true)
      for (const sink of sinks) {
        await feedAll(it, sink)
        expect([...sink.given.keys()].toSorted()).toEqual(idsOf(committed).toSorted())
        expect([...sink.times.values()].filter((times) => times !== 1)).toEqual([])
      }
    }),
    { numRuns: rounds(20) },
  )
})

test('a sink that is switched on while records are being stored is given each of them, from before or from after', async () => {
  const before = some(3)
  const transaction = await open(before)
  const sink = memorySink('joining', { from: '2026-01-01T00:00:00.000Z' })
  const made = { id: it.plan.newId('snk', Date.now()), now: new Date().toISOString(), lagSecondsMax: 900 }
  let isKnown = false
  const registered = registerSink(it.db, sink, made).then(() => {
    isKnown = true
  })
  await sleep(50)
  expect(isKnown).toBe(false)
  const after = some(3)
  const storing = it.usage.store(after)
  await transaction.end('commit')
  await Promise.all([registered, storing])
  await feedAll(it, sink)
  for (const id of idsOf([...before, ...after])) expect(sink.given.has(id), id).toBe(true)
})

test('where there is no sink nothing is written down, and what all sinks were given is removed', async () => {
  const batches = () => it.db.selectFrom('usageBatches').select('number').execute()
  await it.usage.store(some(5))
  expect(await batches()).toEqual([])
  const sink = memorySink('one')
  const other = memorySink('two')
  for (const one of [sink, other]) await it.feed(one)
  await it.usage.store(some(5))
  await it.feed(sink)
  expect(await batches()).toHaveLength(1)
  await it.feed(other)
  expect(await batches()).toEqual([])
})
