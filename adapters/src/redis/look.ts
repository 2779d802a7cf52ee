/**
 * What the control plane asks of the ledger. It looks at pools without taking from them: what remains, when it is
 * whole again, and how much of what is used is only held; one script call for all, in a cluster one for each slot.
 * And it tells what budgets have spent, where the ledger forgot.
 */
import { type LivePool, type Pool, type PoolUse, tagOf } from '@headgate/domain/reservation'
import type { RedisClient } from './client.ts'
import { checkReply, LedgerBatch, readState } from './ledger-batch.ts'
import { unavailable } from './reservations.ts'
import { runScript, type Script } from './script.ts'
import { faultText } from './watched-link.ts'

const REPLIES_EACH = 3

type Means = { readonly client: RedisClient; readonly prefix: string; readonly script: Script }

/**
 * @param teamIds whose open reservations are looked through
 * @throws GatewayError `limiter_unavailable`
 */
export async function look(
  means: Means,
  pools: readonly Pool[],
  teamIds: readonly string[],
): Promise<readonly LivePool[]> {
  const { clustered } = means.client
  const states = new Array<LivePool>(pools.length)
  const bySlot = Map.groupBy(pools.keys(), (index) => (clustered ? tagOf((pools[index] as Pool).bucket) : ''))
  await Promise.all(
    [...bySlot].map(async ([slot, indexes]) => {
      const books = clustered ? [slot] : teamIds.map((id) => `{${id}}`)
      const seen = await lookInSlot(
        means,
        indexes.map((index) => pools[index] as Pool),
        books,
      )
      for (const [at, index] of indexes.entries()) states[index] = seen[at] as LivePool
    }),
  )
  return states
}

/**
 * Adds to what budgets of a team have spent, in one step with the word that it is known now.
 * @throws GatewayError `limiter_unavailable`
 */
export async function restore(
  { client, prefix, script }: Means,
  teamId: string,
  additions: readonly PoolUse[],
): Promise<void> {
  const batch = new LedgerBatch(prefix)
  for (const { pool, amount } of additions) batch.charge(pool, amount, `restore_${crypto.randomUUID()}`)
  batch.begin(`{${teamId}}`)
  try {
    await runScript(client, script, batch.toCall())
  } catch (fault) {
    throw unavailable(faultText(fault))
  }
}

async function lookInSlot(
  { client, prefix, script }: Means,
  pools: readonly Pool[],
  books: readonly string[],
): Promise<LivePool[]> {
  const batch = new LedgerBatch(prefix)
  for (const pool of pools) {
    batch.look(pool)
    // A call that a budget counts stands in the book of its team, so no other need be read.
    const own = pool.kind === 'spend' ? books.filter((book) => book === tagOf(pool.bucket)) : books
    batch.lookHeld(pool, own)
  }
  try {
    const reply = checkReply(await runScript(client, script, batch.toCall()), 1 + REPLIES_EACH * pools.length)
    return pools.map((_, i) => {
      const at = 1 + REPLIES_EACH * i
      return { ...readState(reply, at), held: reply[at + 2] as number }
    })
  } catch (fault) {
    throw unavailable(faultText(fault))
  }
}
