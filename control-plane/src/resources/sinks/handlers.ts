/** What the admin API does with sinks and with what they refused. A job feeds them; which there are the settings say. */
import type { Change, Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { sinkRefusals, sinks } from '@headgate/admin-contract/sinks'
import { sql } from 'kysely'
import { pageById } from '../../database/page.ts'
import {
  askRetries,
  type Chosen,
  forgetRefusals,
  listRefusals,
  withoutRefusal,
} from '../../database/sink-refusals.ts'
import { forgetSink, lockSink, readSink, selectSinks, sinkOf } from '../../database/usage-sinks.ts'
import { fieldFault, found, type HandlerContext } from '../context.ts'

export const sinksHandlers: Handlers<typeof sinks, HandlerContext> = {
  list: async ({ query }, { db }) => {
    const { q, ...place } = query
    let rows = selectSinks(db)
    if (q !== undefined) rows = rows.where(sql<boolean>`strpos(lower(name), ${q.toLowerCase()}) > 0`)
    const { data, page } = await pageById(rows, place)
    return { data: data.map(sinkOf), page }
  },
  read: async ({ params }, { db }) => found(await readSink(db, params.sinkId)),
  forget: async ({ params }, { db }) => {
    const before = found(await lockSink(db, params.sinkId))
    if (before.state !== 'stopped')
      throw new AdminProblem(
        'conflict',
        'A control plane feeds this sink, or did within the last five minutes. Take it out of the settings of all control planes, start them anew, and send this again after that time.',
      )
    await forgetSink(db, before.id)
    return { changed: true, reply: before, subjectId: before.id, before, after: null }
  },
}

type Asked = { readonly ids: readonly string[] | null }

export const sinkRefusalsHandlers: Handlers<typeof sinkRefusals, HandlerContext> = {
  list: async ({ params, query }, { db }) => {
    const { id } = found(await readSink(db, params.sinkId))
    return listRefusals(db, id, query)
  },
  retry: async ({ params, body }, { db, now }) => {
    const { id, chosen } = await chosenOf(db, params.sinkId, body)
    return countChange(id, body, await askRetries(db, id, chosen, now))
  },
  forget: async ({ params, body }, { db }) => {
    const { id, chosen } = await chosenOf(db, params.sinkId, body)
    return countChange(id, body, await forgetRefusals(db, id, chosen))
  },
}

/** @throws AdminProblem `invalid_request` when the sink did not refuse one of them */
async function chosenOf(
  db: HandlerContext['db'],
  sinkId: string,
  { ids }: Asked,
): Promise<{ id: string; chosen: Chosen }> {
  const { id } = found(await readSink(db, sinkId))
  if (ids === null) return { id, chosen: 'all' }
  const [stranger] = await withoutRefusal(db, id, ids)
  if (stranger === undefined) return { id, chosen: { ids } }
  throw fieldFault('/ids', {
    code: 'unknown_reference',
    message: `${stranger} is not among what this sink refused`,
    fix: 'Send ids that the list of its refusals tells; what was taken since is no longer there.',
  })
}

function countChange(subjectId: string, { ids }: Asked, entries: number): Change<{ entries: number }> {
  if (entries === 0) return { changed: false, reply: { entries } }
  return { changed: true, reply: { entries }, subjectId, before: null, after: { ids: ids ?? 'all', entries } }
}
