/** The ledger contract on memory and on a real Redis, and Redis against the domain's rule on random sequences. */
import { LedgerBook } from '@headgate/domain/ledger'
import { type Ask, type Claim, UNBOUNDED, type Used } from '@headgate/domain/reservation'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { type OwnCluster, ownCluster } from '../../../tests/servers/own-cluster.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { memoryLedger } from '../memory/ledger.ts'
import { connectRedis } from '../redis/client.ts'
import { redisLedger } from '../redis/ledger.ts'
import {
  bookOf,
  LedgerBatch,
  readState,
  readVerdict,
  replyTimeMs,
  verdictLength,
} from '../redis/ledger-batch.ts'
import { readScript, runScript } from '../redis/script.ts'
import { askFor, claimOn, closing, type LedgerUnderTest, ledgerContract } from './ledger-contract.ts'
import { spendContract } from './spend-contract.ts'

const log = () => {}
/** Long, because other tests use the machine at the same time and what is tested here is not haste. */
const deadlineMs = 10_000

function contract(name: string, make: () => Promise<LedgerUnderTest>): void {
  ledgerContract(name, closing(make))
  spendContract(name, closing(make))
}

contract('memory', async () => {
  const ledger = memoryLedger({ monotonicMs: () => performance.now() })
  return { ledger, other: ledger, close: async () => {} }
})

contract('redis', async () => openRedis(await freshRedisUrl()))

/** Two gateways on one Redis. */
async function openRedis(url: string) {
  const clients = [await connectRedis(url, { log }), await connectRedis(url, { log })] as const
  const ledger = redisLedger(clients[0], { log, deadlineMs })
  const other = redisLedger(clients[1], { log, deadlineMs })
  return {
    ledger,
    other,
    close: async () => {
      ledger.close()
      other.close()
      await Promise.all(clients.map((client) => client.close()))
    },
  }
}

let cluster: OwnCluster
beforeAll(async () => {
  cluster = await ownCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

contract('redis cluster', () => openRedis(cluster.url))

type Step =
  | { op: 'reserve'; id: number; claims: Claim[]; tokens: number; nanos: number }
  | { op: 'settle'; id: number; used: Used }
  | { op: 'give-back'; id: number }
  | { op: 'reap' }
  | { op: 'renew'; id: number; tokensAtLeast: number; nanosAtLeast: number }
  | { op: 'begin' }
  | { op: 'charge'; claim: Claim; amount: number }

const kinds = ['bucket', 'window', 'concurrent', 'spend'] as const

/** Few pools and small limits, so that refusals, debts and changed limits all come up. */
const anyClaim: fc.Arbitrary<Claim> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    name: fc.constantFrom('a', 'b'),
    limit: fc.constantFrom(0, 1, 7, 60, 1000, 10_000_000, UNBOUNDED),
    windowMs: fc.constantFrom(60, 3_000, 60_000),
    tokens: fc.boolean(),
    quotaId: fc.constantFrom(null, null, 'quo_a', 'quo_b'),
    instead: fc.constantFrom('refuse', 'refuse', 'nothing', 'elsewhere'),
  })
  .map(({ kind, name, tokens, instead, ...rest }) => {
    const bucket = `{t}:${name}:${kind}:${rest.windowMs}`
    if (kind === 'spend') return claimOn(bucket, { ...rest, kind, unit: 'nanos', quotaId: null })
    const elsewhere = {
      bucket: `{t}:pool:${kind}:${rest.windowMs}`,
      kind,
      limit: 30,
      windowMs: rest.windowMs,
    }
    return claimOn(bucket, {
      ...rest,
      kind,
      unit: tokens ? 'tokens' : kind === 'concurrent' ? 'calls' : 'requests',
      instead: instead === 'refuse' ? null : instead === 'nothing' ? 'nothing' : elsewhere,
    })
  })
const anyTokens = fc.oneof(fc.nat(20), fc.nat(12_000_000))
const anyUsed: fc.Arbitrary<Used> = fc.record({
  sent: fc.boolean(),
  tokens: anyTokens,
  quotaId: fc.constantFrom(null, 'quo_a', 'quo_b'),
  nanos: anyTokens,
})
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('reserve' as const),
      id: fc.nat(12),
      claims: fc.array(anyClaim, { minLength: 1, maxLength: 5 }),
      tokens: anyTokens,
      nanos: anyTokens,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('settle' as const), id: fc.nat(12), used: anyUsed }) },
  fc.record({ op: fc.constant('give-back' as const), id: fc.nat(12) }),
  fc.record({ op: fc.constant('reap' as const) }),
  fc.record({
    op: fc.constant('renew' as const),
    id: fc.nat(12),
    tokensAtLeast: fc.nat(50),
    nanosAtLeast: fc.nat(50),
  }),
  fc.record({ op: fc.constant('begin' as const) }),
  fc.record({ op: fc.constant('charge' as const), claim: anyClaim, amount: fc.nat(40) }),
)
const anyBatches = fc.array(
  fc.record({
    steps: fc.array(anyStep, { minLength: 1, maxLength: 8 }),
    waitMs: fc.constantFrom(0, 0, 0, 3, 70),
  }),
  { maxLength: 8 },
)

/** So that some leases end between two batches and some do not. */
const anyLeaseMs = fc.constantFrom(1, 40, 60_000)

test('redis: every verdict and every pool is that of the rule, at the server time of each batch', async () => {
  const client = await connectRedis(await freshRedisUrl(), { log })
  onTestFinished(() => client.close())
  const script = readScript('ledger')
  let round = 0
  await fc.assert(
    fc.asyncProperty(anyBatches, anyLeaseMs, async (batches, leaseMs) => {
      const prefix = `round${++round}:`
      const book = new LedgerBook({ leaseMs })
      const seen = new Map<string, Claim>()
      for (const { steps, waitMs } of batches) {
        await new Promise((done) => setTimeout(done, waitMs))
        const batch = new LedgerBatch(prefix, leaseMs)
        for (const step of steps) writeStep(batch, step)
        for (const step of steps) for (const claim of claimsIn(step)) seen.set(claim.bucket, claim)
        for (const claim of seen.values()) {
          batch.look(claim)
          batch.lookHeld(claim, ['{t}'])
        }
        const reply = (await runScript(client, script, batch.toCall())) as number[]
        const nowMs = replyTimeMs(reply)
        let at = 1
        for (const step of steps) {
          const expected = applyStep(book, step, nowMs)
          if (expected === null || step.op !== 'reserve') continue
          expect(readVerdict(reply, at, step.claims.length)).toEqual(expected)
          at += verdictLength(step.claims.length)
        }
        for (const claim of seen.values()) {
          expect(readState(reply, at), claim.bucket).toEqual(book.stateOf(claim, nowMs))
          expect(reply[at + 2], claim.bucket).toBe(book.heldOf(claim))
          at += 3
        }
      }
    }),
    { numRuns: rounds(150) },
  )
})

test('redis: a lease that is over charges the newest that is known, and what was given back first never begins', async () => {
  const client = await connectRedis(await freshRedisUrl(), { log })
  onTestFinished(() => client.close())
  const script = readScript('ledger')
  const claim = claimOn('{t}:day', { kind: 'window', unit: 'tokens', limit: 1_000, windowMs: 86_400_000 })
  const [held, late] = [
    { ...askFor([claim], 500), id: 'held' },
    { ...askFor([claim], 100), id: 'late' },
  ]
  async function run(write: (batch: LedgerBatch) => void): Promise<number[]> {
    const batch = new LedgerBatch('lease:')
    write(batch)
    batch.look(claim)
    return (await runScript(client, script, batch.toCall())) as number[]
  }
  await run((batch) => {
    batch.reserve(held)
    for (const tokens of [40, 20]) batch.renew('{t}', held.id, tokens)
    batch.giveBack('{t}', late.id)
    batch.renew('{t}', late.id, 30)
  })
  const refused = await run((batch) => batch.reserve(late))
  expect(readVerdict(refused, 1, 1)).toMatchObject({ admitted: false, failed: 0, waitMs: null })
  expect(readState(refused, 1 + verdictLength(1)).remaining).toBe(500)
  for (const { id } of [held, late]) await client.send('any', ['ZADD', 'lease:{t}:leases', '0', id])
  expect(readState(await run((batch) => batch.reap('{t}')), 1).remaining).toBe(960)
  expect(await client.send('any', ['EXISTS', 'lease:{t}:leases', 'lease:{t}:open'])).toBe(0)
  const forgotten = await run((batch) => batch.reserve(late))
  expect(readVerdict(forgotten, 1, 1).admitted).toBe(true)
})

function askOf(step: Extract<Step, { op: 'reserve' }>): Ask {
  const { claims, tokens, nanos } = step
  return { id: `req_${step.id}`, claims, tokens, tokensAtLeast: 1, nanos, nanosAtLeast: 3 }
}

function claimsIn(step: Step): readonly Claim[] {
  if (step.op === 'reserve') return step.claims
  return step.op === 'charge' ? [step.claim] : []
}

function writeStep(batch: LedgerBatch, step: Step): void {
  if (step.op === 'reserve') batch.reserve(askOf(step))
  else if (step.op === 'settle') batch.settle('{t}', `req_${step.id}`, step.used)
  else if (step.op === 'give-back') batch.giveBack('{t}', `req_${step.id}`)
  else if (step.op === 'reap') batch.reap('{t}')
  else if (step.op === 'renew') batch.renew('{t}', `req_${step.id}`, step.tokensAtLeast, step.nanosAtLeast)
  else if (step.op === 'begin') batch.begin('{t}')
  else batch.charge(step.claim, step.amount, `charge_${crypto.randomUUID()}`)
}

function applyStep(book: LedgerBook, step: Step, nowMs: number) {
  if (step.op === 'reserve') return book.reserve(askOf(step), nowMs)
  if (step.op === 'settle') book.settle(`req_${step.id}`, step.used, nowMs)
  else if (step.op === 'give-back') book.giveBack(`req_${step.id}`, nowMs)
  else if (step.op === 'reap') book.reap(nowMs)
  else if (step.op === 'renew') book.renew(`req_${step.id}`, step.tokensAtLeast, nowMs, step.nanosAtLeast)
  else if (step.op === 'begin') book.begin('{t}')
  else book.charge(step.claim, step.amount, nowMs)
  return null
}

test('the book of a call is that of its team', () => {
  expect(bookOf([claimOn('{team_x}:key_y:tokens'), claimOn('{quo_z}:tokens')])).toBe('{team_x}')
})
