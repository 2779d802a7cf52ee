/**
 * From the journal to the control plane through a Redis stream. A parcel is one entry; whoever commits it says
 * so in a list that belongs to the journal's process. An answer can be lost after the deed, so a parcel may
 * arrive twice; `requestId` and `attempt` tell its records.
 */
import { randomBytes } from 'node:crypto'
import type { Outlet } from '../journal/outlet.ts'
import type { RedisClient } from './client.ts'

export type UsageOutletOptions = {
  /** What all keys begin with; `hg:`. */
  readonly prefix?: string
}

const COMMITTED_PER_ASK = '10000'

/** The list in which a journal's process hears which of its parcels are committed. */
export function committedKey(streamKey: string, journal: string): string {
  return `${streamKey}:committed:${journal}`
}

/** An outlet on a Redis client. */
export function redisUsageOutlet(client: RedisClient, options: UsageOutletOptions = {}): Outlet {
  const stream = `${options.prefix ?? 'hg:'}usage`
  const journal = randomBytes(9).toString('hex')
  const committed = committedKey(stream, journal)
  return {
    send: async ({ number, texts }) => {
      // Whom to tell, and of what: the source takes it apart.
      const sender = number === 0 ? [] : ['j', `${journal}:${number}`]
      const entry = ['XADD', stream, '*', 'r', `[${texts.join(',')}]`, ...sender]
      return String(await client.send(stream, entry))
    },
    holds: async (receipt) => {
      const found = await client.send(stream, ['XRANGE', stream, receipt, receipt])
      return Array.isArray(found) && found.length > 0
    },
    committed: async () => {
      const numbers = await client.send(committed, ['LPOP', committed, COMMITTED_PER_ASK])
      return Array.isArray(numbers) ? numbers.map(Number) : []
    },
  }
}
