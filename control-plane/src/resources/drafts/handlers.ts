/** What the admin API does with drafts, but for checking and publishing them: that takes the whole table. */
import type { Draft, DraftChange, drafts, NewDraft } from '@headgate/admin-contract/drafts'
import { contract } from '@headgate/admin-contract/index'
import type { Change, Handlers, Operations } from '@headgate/admin-contract/operation'
import { AdminProblem, type Fault } from '@headgate/admin-contract/problem'
import { found, type HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'
import { lockDraft } from './queries.ts'

const plain = thingHandlers<Draft, NewDraft, DraftChange>({
  table: 'drafts',
  prefix: 'dft',
  json: ['items'],
  check: ({ items }) => refuseOthers(items ?? []),
})

type One = { readonly params: { readonly draftId: string } }

export const draftsHandlers: Handlers<typeof drafts, HandlerContext> = {
  ...plain,
  create: ({ body }, context) => {
    const made = { state: 'open', createdBy: context.actor, publishedVersion: null }
    return plain.create({ body: { ...body, ...made } }, context)
  },
  change: async (call, context) => {
    await openDraft(call, context)
    return plain.change(call, context)
  },
  remove: async (call, context) => {
    await openDraft(call, context)
    return plain.remove(call, context)
  },
}

/** @throws AdminProblem `conflict` when it has been published */
export async function openDraft({ params }: One, { db }: HandlerContext): Promise<Draft> {
  const draft = found(await lockDraft(db, params.draftId))
  if (draft.state === 'open') return draft
  throw new AdminProblem(
    'conflict',
    `Nothing was changed: version ${draft.publishedVersion} came of this draft.`,
    {
      faults: [
        {
          pointer: '',
          code: 'published',
          message: 'it has been published',
          fix: 'Make another draft, or restore a version.',
        },
      ],
    },
  )
}

/** Marks it as published. @param version that will come of it */
export async function closeDraft(
  before: Draft,
  version: number,
  { db }: HandlerContext,
): Promise<Change<Draft>> {
  const after = await db
    .updateTable('drafts')
    .set({ state: 'published', publishedVersion: version })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { changed: true, reply: after, subjectId: before.id, before, after }
}

/** A draft holds what gateways are told; anything else would be done at the wrong time. */
function refuseOthers(items: Draft['items']): void {
  const groups: Readonly<Record<string, Operations>> = contract
  const faults: Fault[] = items.flatMap(({ operation }, index) => {
    const [word = '', name = ''] = operation.split('.')
    const it = Object.hasOwn(groups, word) ? groups[word]?.[name] : undefined
    if (it !== undefined && it.method !== 'GET' && it.changesCatalog && it.audit !== 'of-each-item') return []
    return [
      {
        pointer: `/items/${index}/operation`,
        code: 'unknown_operation',
        message: 'this is no write that changes the catalog',
        fix: 'Send an operationId such as routes.change, policies.create or modelAliases.remove.',
      },
    ]
  })
  const [first] = faults
  if (first !== undefined)
    throw new AdminProblem('invalid_request', `${first.pointer.slice(1)}: ${first.message}.`, { faults })
}
