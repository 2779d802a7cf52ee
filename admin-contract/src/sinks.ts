/** Sinks in the admin API: where copies of usage go, how far each is behind, and what is wrong with it. */
import { Sink } from '@headgate/domain/sink'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const sinks = {
  list: operation({
    method: 'GET',
    path: '/sinks',
    right: 'sinks.read',
    summary: 'Lists the sinks of usage, newest first, with how far each has got.',
    query: PageQuery,
    reply: pageOf(Sink),
  }),
  read: operation({
    method: 'GET',
    path: '/sinks/{sinkId}',
    right: 'sinks.read',
    summary: 'Reads one sink.',
    reply: Sink,
  }),
}
