/** Taking over a list of models: entries are made and, where they came from a list, changed. */
import type { modelEntries } from '@headgate/admin-contract/model-entries'
import type { Handlers } from '@headgate/admin-contract/operation'
import { modelDifferences } from '@headgate/domain/model-list'
import type { HandlerContext } from '../context.ts'
import { sourceOf, takenOver } from '../list-import.ts'
import { shippedModelList } from './shipped-list.ts'

type TakeOver = Handlers<typeof modelEntries, HandlerContext>['takeOver']

/** @throws AdminProblem `conflict` when `confirm` speaks of other differences than there are now */
export const takeOver: TakeOver = async ({ body }, { db, now, newId }) => {
  const list = body.list ?? shippedModelList()
  const names = list.models.map((it) => it.name)
  // Locked, so that what is written by hand meanwhile is not written over.
  const held = await db
    .selectFrom('modelEntries')
    .selectAll()
    .where('name', 'in', names)
    .forUpdate()
    .execute()
  const source = sourceOf(list)
  const compared = { source, ...modelDifferences(list, held) }
  return takenOver(body.confirm, compared, async () => {
    const rows = compared.differences.map(({ name, provider, before, after }) => ({
      ...{ id: before?.id ?? newId('mdl'), name, provider, ...after, note: null, source, createdAt: now },
    }))
    await db
      .insertInto('modelEntries')
      .values(rows)
      // Of what is there, the note and the day it was made stay.
      .onConflict((on) =>
        on.column('id').doUpdateSet((it) => ({
          endpoints: it.ref('excluded.endpoints'),
          contextTokens: it.ref('excluded.contextTokens'),
          outputTokensMax: it.ref('excluded.outputTokensMax'),
          inputModalities: it.ref('excluded.inputModalities'),
          outputModalities: it.ref('excluded.outputModalities'),
          deprecatedOn: it.ref('excluded.deprecatedOn'),
          retiredOn: it.ref('excluded.retiredOn'),
          source: it.ref('excluded.source'),
        })),
      )
      .execute()
    return { source, modelEntries: rows.map(({ id, name, provider }) => ({ id, name, provider })) }
  })
}
