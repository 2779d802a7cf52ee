/** What a ledger has kept of a team in Redis, read from the keys themselves: the truth that its answers are held to. */
import { type Ask, type Claim, type ClaimKind, type ClaimUnit, UNBOUNDED } from '@headgate/domain/reservation'
import type { RedisClient } from '../../adapters/src/redis/client.ts'

const DAY_MS = 86_400_000
const UNITS_MAX = 100_000_000
/** What every token costs. */
const NANOS_PER_TOKEN = 3

/** A pool that nothing is refused from, and that loses nothing by time while a test runs. */
function roomyClaim(bucket: string, kind: ClaimKind, unit: ClaimUnit): Claim {
  return {
    ...{ bucket, kind, unit, limit: UNITS_MAX, windowMs: kind === 'concurrent' ? 0 : DAY_MS },
    ...{ scope: { kind: 'key', name: 'nightly' }, quotaId: null, instead: null },
  }
}

/** The pools of a team; what is charged in them adds up to the unit. */
export function teamClaims(tag: string): readonly Claim[] {
  return [
    roomyClaim(`${tag}:day`, 'window', 'tokens'),
    roomyClaim(`${tag}:calls`, 'window', 'requests'),
    roomyClaim(`${tag}:at-once`, 'concurrent', 'calls'),
    { ...roomyClaim(`${tag}:budget`, 'spend', 'nanos'), limit: UNBOUNDED },
  ]
}

/** A window of its own for one call, from which can be read what that call was charged in the end. */
export function callClaim(tag: string, id: string): Claim {
  return roomyClaim(`${tag}:call:${id}`, 'window', 'tokens')
}

/** An ask that pays for its tokens. */
export function paid(ask: Ask): Ask {
  return { ...ask, nanos: nanosOf(ask.tokens), nanosAtLeast: nanosOf(ask.tokensAtLeast) }
}

export function nanosOf(tokens: number): number {
  return tokens * NANOS_PER_TOKEN
}

/** Nanos that the budget of a team has spent. */
export async function spentBy(client: RedisClient, tag: string): Promise<number> {
  return Number((await client.send(`hg:${tag}`, ['GET', `hg:${tag}:budget`])) ?? 0)
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
