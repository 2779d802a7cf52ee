/** The journal of one process on a real disk: what it keeps, what it gives back, and what it says when it cannot. */
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UsageIntent } from '@headgate/domain/usage-intent'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, sampleUsage } from '../contracts/samples.ts'
import { drained } from '../contracts/usage-stream-contract.ts'
import { memoryUsageStream } from '../memory/usage-stream.ts'
import { openUsageJournal, type UsageJournalOptions } from './usage-journal.ts'

const MIB = 2 ** 20

function sampleIntent(record: UsageRecord): UsageIntent {
  const { requestId, attempt, keyId, userId, appId, teamId, endpoint, alias, deploymentId } = record
  const { resourceId, upstreamModel, stream, requestBytes, catalogVersion, shadowRefusal } = record
  return {
    ...{ requestId, attempt, keyId, userId, appId, teamId, endpoint, alias, deploymentId, resourceId },
    ...{ upstreamModel, stream, requestBytes, catalogVersion, shadowRefusal, inputTokens: 12 },
    startedAtMs: Date.parse(record.startedAt),
    ...{
      costNanos: 30,
      costState: 'priced',
      currency: 'USD',
      priceId: record.priceId,
      agreementId: null,
      clientTag: 'acme',
    },
    serviceTier: record.serviceTier,
  }
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-journal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

type Options = Partial<UsageJournalOptions> & { folder: string; dead?: boolean }

/** A journal in front of an outlet that takes nothing while it is `shut`. */
async function open({ dead = false, ...options }: Options) {
  const source = memoryUsageStream()
  const gate = { shut: false, lines: [] as string[] }
  const send: typeof source.send = async (parcel) => {
    if (gate.shut) throw new Error('shut')
    return source.send(parcel)
  }
  const stream = await openUsageJournal(
    { ...source, send },
    {
      log: (level, message) => void gate.lines.push(`${level}: ${message}`),
      ...{ bytesMax: 2 ** 30, syncMs: 10, whenFull: 'refuse', askEachMs: 10, ...options },
    },
  )
  if (!dead) onTestFinished(() => stream.close())
  return { stream, source, gate }
}

const files = async (folder: string) => (await readdir(folder)).filter((it) => it.startsWith('usage-'))

/** A copy of the folder as a killed process leaves it. */
async function afterDeath(folder: string): Promise<string> {
  const copy = await newFolder()
  for (const name of await files(folder)) await cp(join(folder, name), join(copy, name))
  return copy
}

const byId = (records: readonly UsageRecord[]) => new Map(records.map((it) => [it.requestId, it]))

test('a folder that a living process holds is refused, with what to set', async () => {
  const folder = await newFolder()
  await open({ folder })
  await expect(open({ folder, dead: true })).rejects.toThrow(/in use by process \d+.*HEADGATE_JOURNAL_DIR/)
})

test('a stop leaves no file when all is committed, and the rest when it is not', async () => {
  const folder = await newFolder()
  const first = await open({ folder, dead: true })
  const sent = Array.from({ length: 20 }, () => sampleUsage())
  for (const record of sent) first.stream.append(record)
  await first.stream.flush(1_000)
  await first.stream.close()
  expect(await files(folder)).toHaveLength(1)
  const second = await open({ folder, dead: true })
  expect(await drained(second.source)).toEqual(sent)
  await second.stream.close()
  expect(await readdir(folder)).toEqual([])
})

test('an account that is open keeps its segment and all after it, and no longer', async () => {
  const folder = await newFolder()
  const { stream, source } = await open({ folder, segmentBytesMax: 4_000 })
  const record = sampleUsage()
  const account = stream.intend(sampleIntent(record))
  for (let i = 0; i < 50; i++) {
    stream.append(sampleUsage())
    await stream.flush(1_000)
  }
  expect(await drained(source)).toHaveLength(50)
  await eventually(() => stream.backlog().unconfirmed === 0)
  expect((await files(folder)).length).toBeGreaterThan(5)
  account.close(record)
  await stream.flush(1_000)
  expect(await drained(source)).toEqual([record])
  await eventually(async () => (await files(folder)).length === 1)
})

test('a full journal says so at 70 % and at 100 %, takes no more, and has room again when all is committed', async () => {
  const folder = await newFolder()
  const { stream, source, gate } = await open({ folder, bytesMax: MIB, recordsMax: 100 })
  gate.shut = true
  const sent: UsageRecord[] = []
  while (!stream.full()) {
    sent.push(sampleUsage())
    stream.append(sent.at(-1) as UsageRecord)
  }
  expect(sent.length).toBeGreaterThan(900)
  await eventually(() => gate.lines.some((line) => line.includes('IS FULL')))
  expect(stream.backlog().bytes).toBeLessThan(1.01 * MIB)
  gate.shut = false
  await eventually(() => stream.backlog().waiting === 0)
  expect(byId(await drained(source))).toEqual(byId(sent))
  await eventually(() => !stream.full())
  await eventually(() => gate.lines.some((line) => line.includes('has room again')))
  expect(stream.backlog().bytes).toBeLessThan(MIB / 2)
})

test('a full journal that serves keeps records in memory, and counts those it cannot', async () => {
  const folder = await newFolder()
  const { stream, source, gate } = await open({ folder, bytesMax: MIB, recordsMax: 100, whenFull: 'serve' })
  gate.shut = true
  const sent: UsageRecord[] = []
  while (stream.backlog().lost < 10) {
    const record = sampleUsage()
    const account = stream.intend(sampleIntent(record))
    account.sending()
    account.secure()
    account.close(record)
    sent.push(record)
  }
  expect(stream.full()).toBe(false)
  expect(gate.lines.filter((line) => line.includes('BEING LOST'))).toHaveLength(1)
  gate.shut = false
  await eventually(() => stream.backlog().waiting === 0)
  expect((await drained(source)).length).toBe(sent.length - 10)
})

test('what a dead process left is settled the same, however often its successor dies on it', async () => {
  const folder = await newFolder()
  const { stream, gate } = await open({ folder, segmentBytesMax: 8_000 })
  gate.shut = true
  const [closed, opened] = [40, 30].map((length) => Array.from({ length }, () => sampleUsage())) as [
    UsageRecord[],
    UsageRecord[],
  ]
  for (const record of closed) stream.append(record)
  for (const record of opened) stream.intend(sampleIntent(record)).sending()
  await stream.flush(50)
  let left = await afterDeath(folder)
  const stories: ReadonlyMap<string, UsageRecord>[] = []
  for (let life = 0; life < 3; life++) {
    const successor = await open({ folder: left, dead: true })
    await successor.stream.flush(1_000)
    stories.push(byId((await successor.source.take(1_000, 500)).records))
    left = await afterDeath(left)
    await successor.stream.close()
  }
  expect(stories[0]?.size).toBe(70)
  expect(stories[0]?.get(opened[0]?.requestId ?? '')).toMatchObject({ errorCode: 'gateway_lost', attempt: 1 })
  expect(stories[1]).toEqual(stories[0])
  expect(stories[2]).toEqual(stories[0])
})

test('a journal cut at any byte gives what was whole before the cut', async () => {
  const folder = await newFolder()
  const { stream, gate } = await open({ folder })
  gate.shut = true
  const sent = Array.from({ length: 3 }, () => sampleUsage())
  for (const record of sent) stream.append(record)
  await stream.flush(20)
  const [name = ''] = await files(folder)
  const { length } = await readFile(join(folder, name))
  for (let cut = Math.floor(length / 3); cut <= length; cut += 97) {
    const left = await afterDeath(folder)
    await truncate(join(left, name), cut)
    const successor = await open({ folder: left, dead: true })
    const records = await drained(successor.source)
    expect(records).toEqual(sent.slice(0, records.length))
    expect(records.length).toBe(Math.floor((3 * cut) / length + 1e-9))
    await successor.stream.close()
  }
})

test('a damaged place costs the record it is in; the others arrive, and the file is kept aside', async () => {
  const folder = await newFolder()
  const { stream, gate } = await open({ folder })
  gate.shut = true
  const sent = Array.from({ length: 10 }, () => sampleUsage())
  for (const record of sent) stream.append(record)
  await stream.flush(20)
  const left = await afterDeath(folder)
  const [name = ''] = await files(left)
  const bytes = await readFile(join(left, name))
  const middle = Math.floor(bytes.length / 2) + 20
  bytes[middle] = (bytes[middle] as number) ^ 0xff
  await writeFile(join(left, name), bytes)
  const successor = await open({ folder: left, dead: true })
  expect(await drained(successor.source)).toEqual(sent.toSpliced(5, 1))
  expect(successor.stream.backlog().damagedBytes).toBeGreaterThan(0)
  expect(successor.gate.lines.join()).toContain('MAY BE LOST')
  await successor.stream.close()
  expect(await files(left)).toEqual([`${name}.damaged`])
})

test('a folder that was removed is made anew, and what comes afterwards is kept', async () => {
  const folder = join(await newFolder(), 'inside')
  const { stream, gate } = await open({ folder })
  gate.shut = true
  await rm(folder, { recursive: true })
  await eventually(() => gate.lines.some((line) => line.includes('can be written again')))
  stream.append(sampleUsage())
  await stream.flush(20)
  expect(await files(folder)).toHaveLength(1)
})
