/** Replies of Redis that never arrive, and calls that arrive after their caller was cut off: every call counts once. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { askFor, usedOf } from '../../adapters/src/contracts/ledger-contract.ts'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import { connectRedis, type RedisClient } from '../../adapters/src/redis/client.ts'
import { type RedisLedger, redisLedger } from '../../adapters/src/redis/ledger.ts'
import { LedgerBatch, readVerdict, verdictLength } from '../../adapters/src/redis/ledger-batch.ts'
import { readScript, runScript } from '../../adapters/src/redis/script.ts'
import { type Ask, unsent, type Verdict } from '../../domain/src/reservation.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { lossyProxy } from '../servers/lossy-proxy.ts'
import { rounds } from '../servers/rounds.ts'
import { chargedIn, isPeaceful, nanosOf, paid, spentBy, teamClaims } from './settled-books.ts'

const log = () => {}
const LEASE_MS = 1_500
/** More than it takes for a give-back to be sent again, so that it overtakes the call it is for. */
const LATE_MS = 700
const AT_ONCE = 50

let url: string
let client: RedisClient
let survivor: RedisLedger
beforeAll(async () => {
  url = await freshRedisUrl()
  client = await connectRedis(url, { log })
  survivor = redisLedger(client, { log, deadlineMs: 10_000, leaseMs: LEASE_MS })
})
afterAll(async () => {
  survivor.close()
  await client.close()
})

/** Numbers from 0 to 1 that follow from the seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function fits(verdict: Promise<Verdict>): Promise<boolean> {
  return verdict.then(
    (it) => it.admitted,
    () => false,
  )
}

/** One gateway whose calls and ends get lost on their way; gives what its team must be charged in the end. */
async function loseAndEnd(tag: string, random: () => number): Promise<{ tokens: number; calls: number }> {
  await using proxy = await lossyProxy(url)
  const own = await connectRedis(proxy.url, { log, connectWaitMs: 10_000 })
  const ledger = redisLedger(own, { log, deadlineMs: 10_000, leaseMs: LEASE_MS })
  const known = { tokens: 0, calls: 0 }
  let abandoned = 0
  const end = (ask: Ask) => {
    const [used, kind] = [Math.floor(random() * 500), random()]
    if (kind < 0.2) {
      known.tokens += ask.tokensAtLeast
      known.calls += 1
      abandoned += 1
      return
    }
    ledger.settle(ask, kind < 0.4 ? unsent : { ...usedOf(used), nanos: nanosOf(used) })
    if (kind < 0.4) return
    known.tokens += used
    known.calls += 1
  }
  try {
    // The first call of a gateway also asks to end what others left behind, which is not to be lost here.
    await eventually(() => fits(ledger.reserve(paid(askFor(teamClaims(tag), 1)))))
    known.tokens += 1
    known.calls += 1
    abandoned += 1
    await new Promise((done) => setTimeout(done, 20))
    if (random() < 0.7) proxy.lose(random() < 0.7 ? 'reply' : { deliverAfterMs: LATE_MS })
    const asks = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
      paid({
        ...askFor(teamClaims(tag), 100 + Math.floor(random() * 400)),
        tokensAtLeast: Math.floor(random() * 100),
      }),
    )
    const admitted = await Promise.all(asks.map((ask) => fits(ledger.reserve(ask))))
    await eventually(() => own.state() === 'ready' || proxy.lostCount() === 0)
    if (random() < 0.5) proxy.lose('reply')
    for (const [i, ask] of asks.entries()) if (admitted[i]) end(ask)
    await eventually(async () => (await client.send('', ['HLEN', `hg:${tag}:open`])) === abandoned, 10_000)
  } finally {
    ledger.close()
    await own.close()
  }
  return known
}

/** A gateway that lives writes in the book of the team, and so ends what was left there. */
async function comeToRest(tag: string): Promise<void> {
  const visit = askFor(teamClaims(tag), 1)
  await survivor.reserve(visit)
  survivor.settle(visit, unsent)
  await eventually(() => isPeaceful(client, tag), 20_000)
}

test('whatever reply is lost, nothing stays pending and what is charged is what is known', async () => {
  const total = rounds(50)
  for (let first = 0; first < total; first += AT_ONCE) {
    const many = Array.from({ length: Math.min(AT_ONCE, total - first) }, (_, i) => first + i + 1)
    await Promise.all(
      many.map(async (seed) => {
        const tag = `{team_lost_${seed}}`
        const known = await loseAndEnd(tag, randomFrom(seed))
        await comeToRest(tag)
        const [day, calls] = teamClaims(tag)
        const charged = { tokens: await chargedIn(client, day!), calls: await chargedIn(client, calls!) }
        expect(charged, `seed ${seed}`).toEqual(known)
        expect(await spentBy(client, tag), `money of seed ${seed}`).toBe(nanosOf(known.tokens))
      }),
    )
  }
})

test('what was used without a reservation is charged once, although the reply is lost', async () => {
  await using proxy = await lossyProxy(url)
  const lossy = await connectRedis(proxy.url, { log, connectWaitMs: 10_000 })
  const ledger = redisLedger(lossy, { log, deadlineMs: 10_000, leaseMs: LEASE_MS })
  onTestFinished(async () => {
    ledger.close()
    await lossy.close()
  })
  const [day] = teamClaims('{team_alone}')
  for (const loss of ['reply', { deliverAfterMs: LATE_MS }] as const) {
    const before = await chargedIn(client, day!)
    proxy.lose(loss)
    ledger.charge(day!, 300)
    await eventually(async () => (await chargedIn(client, day!)) === before + 300)
    await new Promise((done) => setTimeout(done, LATE_MS))
    expect(await chargedIn(client, day!)).toBe(before + 300)
    await eventually(() => lossy.state() === 'ready')
  }
})

test('a call sent again with its id is answered as it was and consumes once', async () => {
  await using proxy = await lossyProxy(url)
  const lossy = await connectRedis(proxy.url, { log, connectWaitMs: 10_000 })
  onTestFinished(() => lossy.close())
  const script = readScript('ledger')
  await client.send('', ['SCRIPT', 'LOAD', script.text])
  const total = rounds(50)
  for (let i = 0; i < total; i++) {
    const [day, calls, atOnce] = teamClaims(`{team_again_${i}}`)
    const ask = askFor([day!, calls!, atOnce!], 10 + i)
    const batch = new LedgerBatch('hg:')
    batch.reserve(ask)
    proxy.lose('reply')
    await expect(runScript(lossy, script, batch.toCall())).rejects.toThrow()
    await eventually(async () => (await client.send('', ['HLEN', `hg:{team_again_${i}}:open`])) === 1)
    const again: number[][] = []
    for (let time = 0; time < 2; time++)
      again.push((await runScript(client, script, batch.toCall())) as number[])
    for (const reply of again) {
      expect(reply).toHaveLength(1 + verdictLength(3))
      const verdict = readVerdict(reply, 1, 3)
      expect(verdict.admitted).toBe(true)
      expect(verdict.states.map((it) => it.remaining)).toEqual([
        day!.limit - ask.tokens,
        calls!.limit - 1,
        atOnce!.limit - 1,
      ])
    }
    await eventually(() => lossy.state() === 'ready')
  }
  expect(proxy.lostCount()).toBe(total)
})
