/** Sinks in the admin API: where copies of usage go, how far each is behind, what is wrong with it, what it refused. */
import { Sink } from '@headgate/domain/sink'
import { SinkEntryId } from '@headgate/domain/sink-entry'
import { SinkRefusal } from '@headgate/domain/sink-refusal'
import { z } from 'zod'
import { operation } from './operation.ts'
import { NamePart, PageQuery, pageOf } from './page.ts'

const IDS_MAX = 1_000

/** Some of what a sink refused, or all of it; never all by leaving something out. */
const Chosen = z.strictObject({
  ids: z
    .array(SinkEntryId)
    .min(1)
    .max(IDS_MAX)
    .nullable()
    .meta({ description: 'These, by the ids that the list tells; null for all that the sink refused.' }),
})

const Count = z.object({
  /** How many it was done to. */
  entries: z.int().min(0),
})

export const sinks = {
  list: operation({
    method: 'GET',
    path: '/sinks',
    right: 'sinks.read',
    summary: 'Lists the sinks of usage, newest first, with how far each has got.',
    query: PageQuery.extend({ q: NamePart }),
    reply: pageOf(Sink),
  }),
  read: operation({
    method: 'GET',
    path: '/sinks/{sinkId}',
    right: 'sinks.read',
    summary: 'Reads one sink.',
    reply: Sink,
    isLive: true,
  }),
  forget: operation({
    method: 'POST',
    path: '/sinks/{sinkId}/removal',
    right: 'sinks.write',
    audit: 'sink.forgotten',
    changesCatalog: false,
    status: 200,
    summary:
      'Forgets a sink that no control plane feeds any more: its place, what waits for it, what it refused. What it holds stays there.',
    reply: Sink,
  }),
}

export const sinkRefusals = {
  list: operation({
    method: 'GET',
    path: '/sinks/{sinkId}/refusals',
    right: 'sinks.read',
    summary: 'Lists what a sink would not take, with the reasons, latest request first.',
    query: PageQuery,
    reply: pageOf(SinkRefusal),
  }),
  retry: operation({
    method: 'POST',
    path: '/sinks/{sinkId}/refusals/retry',
    right: 'sinks.write',
    audit: 'sink-refusal.retried',
    changesCatalog: false,
    status: 200,
    summary: 'Has the sink given what it refused once more, within seconds of being fed.',
    body: Chosen,
    reply: Count,
  }),
  forget: operation({
    method: 'POST',
    path: '/sinks/{sinkId}/refusals/removal',
    right: 'sinks.write',
    audit: 'sink-refusal.forgotten',
    changesCatalog: false,
    status: 200,
    summary: 'Forgets what the sink refused. The records stay where they are; the sink goes without them.',
    body: Chosen,
    reply: Count,
  }),
}
