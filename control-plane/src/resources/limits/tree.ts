/** A tree of limits, live: what stands in the database joined with what the ledger holds at this moment. */
import type { LimitState } from '@headgate/admin-contract/limits'
import { capacityOf } from '@headgate/domain/bucket'
import { type LimitNode, limitNodes } from '@headgate/domain/claim'
import { toGatewayError } from '@headgate/domain/gateway-error'
import { millionths } from '@headgate/domain/limit'
import type { LivePool } from '@headgate/domain/reservation'
import type { HandlerContext } from '../context.ts'
import type { LimitFilter } from './queries.ts'
import { readNames, readTree, refusedSince } from './tree-queries.ts'

const MINUTE_MS = 60_000

/** Parents before their children; without live figures when the ledger cannot be asked. */
export async function readLiveTree(filter: LimitFilter, { db, ledger, nowMs, now }: HandlerContext) {
  const { document, truncated } = await readTree(db, filter)
  const nodes = limitNodes(document)
  const owners = nodes.map((node) => node.rule?.ownerId).filter((id) => id !== undefined)
  const names = await readNames(db, owners)
  const teamIds = document.teams.map((team) => team.id)
  const refused = await refusedSince(db, new Date(nowMs - MINUTE_MS).toISOString(), teamIds)
  const live = await looked(nodes, teamIds, ledger)
  const sharedOut = sharesByParent(nodes)
  const data = nodes.map((node, i): LimitState => {
    const { rule, claim } = node
    const shared = (sharedOut.get(node.id) ?? 0) / 1_000_000
    return {
      id: node.id,
      kind: rule === null ? 'quota' : 'limit',
      parentId: node.parentId,
      ownerId: rule?.ownerId ?? null,
      name: (rule && names.get(rule.ownerId)) ?? claim.scope.name,
      model: rule?.model ?? null,
      measure: node.measure,
      figure: claim.limit,
      share: rule?.share ?? null,
      guarantee: rule?.guarantee ?? null,
      borrows: rule?.borrows ?? false,
      now: live === null ? null : stateNow(node, live[i] as LivePool),
      refusedLastMinute: rule === null ? null : (refused.get(rule.ownerId) ?? 0),
      sharedOut: shared,
      oversubscribed: shared > 1,
    }
  })
  return { asOf: now, data, truncated }
}

async function looked(
  nodes: readonly LimitNode[],
  teamIds: readonly string[],
  ledger: HandlerContext['ledger'],
): Promise<readonly LivePool[] | null> {
  if (nodes.length === 0) return []
  try {
    return await ledger.look(
      nodes.map((node) => node.claim),
      teamIds,
    )
  } catch (fault) {
    if (toGatewayError(fault).code !== 'limiter_unavailable') throw fault
    return null
  }
}

function stateNow({ claim }: LimitNode, pool: LivePool) {
  const whole = claim.kind === 'bucket' ? capacityOf(claim.limit) : claim.limit
  // A bucket in debt tells nothing remains; how deep it is can be read from the time it needs.
  const behind = claim.windowMs === 0 ? 0 : Math.ceil((pool.resetMs * claim.limit) / claim.windowMs)
  const used = claim.kind === 'bucket' ? behind : whole - pool.remaining
  return { free: pool.remaining, used, reserved: pool.held, resetMs: pool.resetMs }
}

/** What the children of each node have as shares, in millionths. */
function sharesByParent(nodes: readonly LimitNode[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { parentId, rule } of nodes) {
    if (parentId === null || rule?.share == null) continue
    sums.set(parentId, (sums.get(parentId) ?? 0) + millionths(rule.share))
  }
  return sums
}
