/** Archived things in the admin API: what was removed, for whoever meets its id in records of use. */
import { ArchivedThing } from '@headgate/domain/archived-thing'
import { z } from 'zod'
import { operation } from './operation.ts'
import { listQuery, NamePart, pageOf } from './page.ts'

export const archivedThings = {
  list: operation({
    method: 'GET',
    path: '/archived-things',
    right: 'audit.read',
    summary: 'Lists what was removed, youngest first; of one kind if asked.',
    query: listQuery(['created_at', 'archived_at', 'name'], {
      kind: z
        .string()
        .regex(/^[a-z-]{1,40}$/, 'expected a kind such as team')
        .optional(),
      q: NamePart,
    }),
    reply: pageOf(ArchivedThing),
  }),
  read: operation({
    method: 'GET',
    path: '/archived-things/{thingId}',
    right: 'audit.read',
    summary: 'Reads one thing that was removed, by the id it had.',
    reply: ArchivedThing,
  }),
}
