/** The bench of the ledger reserves and settles every call, and tells the same of none. */
import { expect, test } from 'vitest'
import { freshRedisUrl } from '../tests/servers/fresh-redis.ts'
import { ledgerRows, takeLedgerRounds } from './ledger-rounds.ts'

test('a round reserves every call and refuses none, and its row says so', async () => {
  const plan = { paces: [500], core: null, flags: [], rounds: 1, seconds: 1 }
  const taken = await takeLedgerRounds({ ...plan, url: await freshRedisUrl() })
  expect(taken.map((it) => [it.pace, it.full.failed, it.bare.failed])).toEqual([[500, 0, 0]])
  for (const { full, bare } of taken)
    for (const it of [full, bare]) {
      // How many fit into the second is the machine's affair.
      expect(it.calls).toBeGreaterThan(0)
      expect(it.waits.count).toBe(it.calls)
      expect(it.cpuUs).toBeGreaterThan(0)
    }
  expect(ledgerRows(taken)).toContain('| 500 ')
})
