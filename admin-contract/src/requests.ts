/**
 * Requests in the admin API: one by one as a list and as they come, and why one was refused, or how it was served, by
 * the id its caller was given.
 */
import { CostState } from '@headgate/domain/cost'
import { StoredDecision } from '@headgate/domain/stored-decision'
import { TokenUsage } from '@headgate/domain/usage'
import { Outcome, UsageSource } from '@headgate/domain/usage-record'
import { z } from 'zod'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'
import { Cursor, PageQuery, pageOf } from './page.ts'
import { UsageFilter } from './usage.ts'

/** An id from a record, and what its owner is called now; no name where it is gone, or not to be seen. */
const Named = z.object({ id: z.string(), name: z.string().nullable() })

/** What refused, as it is now. */
const RefusingThing = z.object({
  kind: z.enum(['limit', 'quota', 'budget', 'policy', 'key', 'app', 'team']),
  id: z.string(),
  /** Null where it has none. */
  name: z.string().nullable(),
  /** Where it is read, below `/api/v1`; null where that would find nothing. */
  path: z.string().nullable(),
  /**
   * Whether it is as it was when it refused. `unseen`: it belongs to the organisation or to a team that whoever asks
   * does not look after.
   */
  state: z.enum(['unchanged', 'changed', 'archived', 'unseen']),
  /** When it was last changed or archived since the call; null where it was not, or is unseen. */
  changedAt: Instant.nullable(),
})
export type RefusingThing = z.infer<typeof RefusingThing>

const Attempt = z.object({
  /** From 1; 0 where no provider was asked. */
  attempt: z.int(),
  deployment: Named.nullable(),
  resource: Named.nullable(),
  upstreamModel: z.string().nullable(),
  status: z.int(),
  outcome: Outcome,
  errorCode: z.string().nullable(),
  /** Since the request arrived. */
  firstByteMs: z.int().nullable(),
  totalMs: z.int(),
  upstreamRequestId: z.string().nullable(),
})

export const RequestDecision = z.object({
  requestId: z.string(),
  startedAt: Instant,
  endpoint: z.string(),
  /** Null where the name that was asked for is none of ours. */
  alias: z.string().nullable(),
  /** Each null where nobody could be told by the key that was sent, or the key has none. */
  team: Named.nullable(),
  app: Named.nullable(),
  user: Named.nullable(),
  key: Named.nullable(),
  /** How the last attempt ended, which is what the caller got. */
  status: z.int(),
  outcome: Outcome,
  errorCode: z.string().nullable(),
  /** The sentence the caller was told; null where the call was served, or its sentence was not kept. */
  message: z.string().nullable(),
  /** Null where nothing refused, and for calls of gateways that did not keep it yet. */
  decision: StoredDecision.nullable(),
  refusedBy: RefusingThing.nullable(),
  /** In their order. */
  attempts: z.array(Attempt),
  /** As it was recorded; what a re-rating made of it stands in the sums. */
  costNanos: z.int().nullable(),
  costState: CostState,
  currency: z.string().nullable(),
  catalogVersion: z.int().nullable(),
})
export type RequestDecision = z.infer<typeof RequestDecision>

/** One attempt of a request, or the request itself where no provider was asked; what is not told here is in its record. */
export const RequestEntry = z.object({
  startedAt: Instant,
  requestId: z.string(),
  attempt: z.int(),
  status: z.int(),
  outcome: Outcome,
  errorCode: z.string().nullable(),
  team: Named.nullable(),
  app: Named.nullable(),
  user: Named.nullable(),
  key: Named.nullable(),
  clientTag: z.string().nullable(),
  endpoint: z.string(),
  alias: z.string().nullable(),
  upstreamModel: z.string().nullable(),
  deployment: Named.nullable(),
  resource: Named.nullable(),
  stream: z.boolean(),
  tokens: TokenUsage,
  usageSource: UsageSource,
  costNanos: z.int().nullable(),
  costState: CostState,
  currency: z.string().nullable(),
  overheadMicros: z.int(),
  /** Since the request arrived. */
  firstByteMs: z.int().nullable(),
  totalMs: z.int(),
})
export type RequestEntry = z.infer<typeof RequestEntry>

const RequestStreamQuery = UsageFilter.omit({ from: true, to: true }).extend({
  after: Cursor.optional().meta({
    description:
      'The id of an event: goes on after it. The header `Last-Event-ID` says the same and goes before.',
  }),
})
export type RequestStreamQuery = z.infer<typeof RequestStreamQuery>

export const requests = {
  list: operation({
    method: 'GET',
    path: '/requests',
    right: 'usage.read',
    summary: 'Lists requests one by one, latest first, with names beside ids.',
    query: PageQuery.extend(UsageFilter.shape),
    reply: pageOf(RequestEntry),
  }),
  stream: operation({
    method: 'GET',
    path: '/requests/stream',
    right: 'usage.read',
    summary: 'Sends requests as they are recorded, from now on or from an event on.',
    query: RequestStreamQuery,
    reply: RequestEntry,
    events: true,
  }),
  decision: operation({
    method: 'GET',
    path: '/requests/{requestId}/decision',
    right: 'usage.read',
    summary: 'Tells why a call was refused, or how it was served, by its request id.',
    missing:
      'There is no record of a request with this id, or none you may see. A call leaves its record when it has ended, a few seconds may pass until it is stored, and it is dropped when its retention is over.',
    reply: RequestDecision,
  }),
}
