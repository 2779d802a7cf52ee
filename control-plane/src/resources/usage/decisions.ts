/**
 * What the admin API does with requests: lists them, tells of them as they come, and why one was refused, or how it was
 * served. Nothing is judged anew: the decision is the one of then, and beside it stands whether what refused is still
 * as it was.
 */
import type { Handlers } from '@headgate/admin-contract/operation'
import { type RefusingThing, type RequestDecision, requests } from '@headgate/admin-contract/requests'
import { RequestId } from '@headgate/domain/own-use'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { asRatedNow } from '../../database/cost-corrections.ts'
import type { Database } from '../../database/open.ts'
import { type HandlerContext, notFound } from '../context.ts'
import { lastChange, type RefusingTable, readCall, readThing } from './decision-queries.ts'
import { listUsage } from './list-usage.ts'
import { nameReader } from './queries.ts'
import { entriesOf, namer } from './request-entries.ts'
import { requestStream } from './request-stream.ts'

export const requestsHandlers: Handlers<typeof requests, HandlerContext> = {
  list: async ({ query }, context) => {
    const { data, page } = await listUsage(query, context)
    return { data: entriesOf(data, await nameReader(context.db)(data)), page }
  },
  stream: async ({ query }, { db }) => requestStream(query, db),
  decision: async ({ params }, { db }) => {
    const isId = RequestId.safeParse(params.requestId).success
    const records = isId ? await asRatedNow(db, await readCall(db, params.requestId)) : []
    const last = records.at(-1)
    // Foreign, unknown and not yet recorded look the same.
    if (last === undefined) throw notFound(requests.decision.missing)
    const names = await nameReader(db)(records)
    return told(records, last, { names, refusedBy: await refusedBy(db, last) })
  },
}

type Beside = {
  readonly names: ReadonlyMap<string, string>
  readonly refusedBy: RefusingThing | null
}

function told(
  records: readonly UsageRecord[],
  last: UsageRecord,
  { names, refusedBy }: Beside,
): RequestDecision {
  const named = namer(names)
  const { requestId, startedAt, endpoint, alias, status, outcome, errorCode, decision } = last
  const { costState, currency, catalogVersion } = last
  const costs = records.map((it) => it.costNanos).filter((it) => it !== null)
  return {
    ...{ requestId, startedAt, endpoint, alias },
    ...{ team: named(last.teamId), app: named(last.appId), user: named(last.userId), key: named(last.keyId) },
    ...{ status, outcome, errorCode, message: decision?.text ?? null, decision, refusedBy },
    attempts: records.map((it) => ({
      ...{ attempt: it.attempt, deployment: named(it.deploymentId), resource: named(it.resourceId) },
      ...{ upstreamModel: it.upstreamModel, status: it.status, outcome: it.outcome, errorCode: it.errorCode },
      ...{ firstByteMs: it.firstByteMs, totalMs: it.totalMs, upstreamRequestId: it.upstreamRequestId },
    })),
    costNanos: costs.length === 0 ? null : costs.reduce((sum, it) => sum + it, 0),
    ...{ costState, currency, catalogVersion },
  }
}

type Kind = { readonly kind: RefusingThing['kind']; readonly table: RefusingTable; readonly path: string }

const kinds: Readonly<Record<string, Kind>> = {
  lim: { kind: 'limit', table: 'limits', path: '/limits' },
  quo: { kind: 'quota', table: 'quotas', path: '/quotas' },
  bud: { kind: 'budget', table: 'budgets', path: '/budgets' },
  pol: { kind: 'policy', table: 'policies', path: '/policies' },
  key: { kind: 'key', table: 'proxyKeys', path: '/keys' },
  app: { kind: 'app', table: 'apps', path: '/apps' },
  team: { kind: 'team', table: 'teams', path: '/teams' },
}

/** What refused, as whoever asks sees it now. */
async function refusedBy(db: Database, { decision, startedAt }: UsageRecord): Promise<RefusingThing | null> {
  const id = decision?.thingId ?? null
  const of = id === null ? undefined : kinds[id.slice(0, id.indexOf('_'))]
  if (id === null || of === undefined) return null
  const { kind, table, path } = of
  const thing = await readThing(db, table, id)
  const change = await lastChange(db, id, startedAt)
  const isOwn = change?.thingId === id && /\.(archived|removed)$/.test(change.action)
  const isArchived = change !== undefined && (thing === undefined || isOwn)
  return {
    ...{ kind, id, name: thing?.name ?? null, path: thing === undefined ? null : `${path}/${id}` },
    state: isArchived ? 'archived' : thing === undefined ? 'unseen' : change ? 'changed' : 'unchanged',
    changedAt: change?.at ?? null,
  }
}
