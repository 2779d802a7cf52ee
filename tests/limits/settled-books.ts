/** What a ledger has kept of a team in Redis, read from the keys themselves: the truth that its answers are held to. */
import type { Claim } from '@headgate/domain/reservation'
import { claimOn } from '../../adapters/src/contracts/ledger-contract.ts'
import type { RedisClient } from '../../adapters/src/redis/client.ts'

const LONG_MS = 86_400_000
const TOKENS_MAX = 100_000_000

/** Pools of a team that lose nothing by time while a test runs, so that what is charged adds up to the unit. */
export function teamClaims(tag: string): readonly Claim[] {
  return [
    claimOn(`${tag}:day`, { kind: 'window', unit: 'tokens', limit: TOKENS_MAX, windowMs: LONG_MS }),
    claimOn(`${tag}:calls`, { kind: 'window', unit: 'requests', limit: TOKENS_MAX, windowMs: LONG_MS }),
    claimOn(`${tag}:at-once`, { kind: 'concurrent', unit: 'calls', limit: TOKENS_MAX, windowMs: 0 }),
  ]
}

/** A window of its own for one call, from which can be read what that call was charged in the end. */
export function callClaim(tag: string, id: string): Claim {
  return claimOn(`${tag}:call:${id}`, {
    kind: 'window',
    unit: 'tokens',
    limit: TOKENS_MAX,
    windowMs: LONG_MS,
  })
}

/** Units that a window holds. */
export async function chargedIn(client: RedisClient, { bucket }: Claim): Promise<number> {
  const slots = (await client.send(`hg:${bucket}`, ['HVALS', `hg:${bucket}`])) as string[]
  return slots.reduce((sum, units) => sum + Number(units), 0)
}

/** True when no reservation of a team is open, no lease runs and no call is counted. */
export async function isPeaceful(client: RedisClient, tag: string): Promise<boolean> {
  const keys = ['open', 'leases', 'at-once'].map((name) => `hg:${tag}:${name}`)
  return (await client.send(`hg:${tag}`, ['EXISTS', ...keys])) === 0
}
