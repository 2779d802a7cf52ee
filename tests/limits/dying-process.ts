/**
 * A process that holds the ledgers of several gateways, each with calls of a team under way, until it is killed.
 * It writes down what it is about to do before it does it, so that whoever killed it knows all that may be true.
 */
import { writeSync } from 'node:fs'
import { connectRedis } from '../../adapters/src/redis/client.ts'
import { redisLedger } from '../../adapters/src/redis/ledger.ts'
import { callClaim, nanosOf, paid, teamClaims } from './settled-books.ts'

export type DyingPlan = { readonly url: string; readonly tags: readonly string[]; readonly leaseMs: number }

/** What happened to a call: it was asked for (with what is charged at least), admitted, said to have used, settled. */
export type Deed = { readonly id: string; readonly tag: string } & (
  | { readonly did: 'ask' | 'progress' | 'settle'; readonly tokens: number }
  | { readonly did: 'admit' }
)

const EACH_MS = 4

function say(deed: Deed): void {
  writeSync(1, `${JSON.stringify(deed)}\n`)
}

async function hold(tag: string, plan: DyingPlan): Promise<void> {
  const client = await connectRedis(plan.url, { log: () => {}, connectWaitMs: 10_000 })
  const ledger = redisLedger(client, { log: () => {}, deadlineMs: 10_000, leaseMs: plan.leaseMs })
  for (let n = 0; ; n++) {
    const id = `req_${n}`
    const claims = [...teamClaims(tag), callClaim(tag, id)]
    const ask = paid({ id, claims, tokens: 500 + n, tokensAtLeast: 10 + (n % 7) })
    say({ id, tag, did: 'ask', tokens: ask.tokensAtLeast })
    void ledger.reserve(ask).then(() => {
      say({ id, tag, did: 'admit' })
      if (n % 3 === 1) say({ id, tag, did: 'progress', tokens: 100 + n })
      if (n % 3 === 1) ledger.progress(ask, 100 + n, nanosOf(100 + n))
      if (n % 3 !== 2) return
      say({ id, tag, did: 'settle', tokens: 200 + n })
      ledger.settle(ask, { sent: true, tokens: 200 + n, nanos: nanosOf(200 + n), quotaId: null })
    })
    await new Promise((done) => setTimeout(done, EACH_MS))
  }
}

const plan: DyingPlan = JSON.parse(process.argv[2] ?? '')
await Promise.all(plan.tags.map((tag) => hold(tag, plan)))
