/**
 * The bench has no control plane, so this commits in its place: usage records are taken off the stream and their
 * sender is told, all of it inside Redis on the load core. Without it a gateway would hold back what nobody takes.
 */
import type { RedisClient } from '@headgate/adapters/redis/client'

const USAGE_KEY = 'hg:usage'
/** About as often as the control plane commits a batch. */
const EACH_MS = 250
/** As the drain does it, in that order: first tell, then remove. */
const COMMIT = `
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
for _, entry in ipairs(entries) do
  local journal, number = string.match(entry[2][4], '^(%x+):(%d+)$')
  redis.call('RPUSH', KEYS[1] .. ':committed:' .. journal, number)
  redis.call('XDEL', KEYS[1], entry[1])
end
return #entries`

/** Commits until it is stopped. */
export function startDrain(client: RedisClient): { stop(): void } {
  const commit = () => client.send(USAGE_KEY, ['EVAL', COMMIT, '1', USAGE_KEY]).catch(() => undefined)
  const timer = setInterval(() => void commit(), EACH_MS)
  return { stop: () => clearInterval(timer) }
}
