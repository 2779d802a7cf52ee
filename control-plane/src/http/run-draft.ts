/**
 * Checks and publishes drafts. Both do all its items in one transaction, in the same way as an atomic batch; a
 * check takes it back.
 */
import type { Draft } from '@headgate/admin-contract/drafts'
import { renameKeys } from '@headgate/admin-contract/wire'
import type { CatalogDocument } from '@headgate/domain/catalog'
import { catalogWarnings } from '@headgate/domain/catalog-warning'
import { commitSteps, type Step, tryChanges } from '../change.ts'
import { readCatalogStamp } from '../resources/catalog/queries.ts'
import { found, type HandlerContext } from '../resources/context.ts'
import { closeDraft, openDraft } from '../resources/drafts/handlers.ts'
import { readDraft } from '../resources/drafts/queries.ts'
import { etagOf, listHolds, notAsSeen } from './etag.ts'
import { problemBody, toProblem } from './problem.ts'
import { type Lister, prepareItems, rehearseBatch } from './run-batch.ts'
import { type Done, doneBy, type InboundRequest } from './run-operation.ts'

type DraftRequest = Pick<InboundRequest, 'id' | 'address' | 'ifMatch' | 'idempotencyKey'>
type Asked = { readonly draftId: string; readonly lister: Lister & { readonly request: DraftRequest } }

/** What would come of it. A refusal of an item is an answer, not a refusal of the check. */
export async function checkDraft({ draftId, lister }: Asked): Promise<Done> {
  const draft = found(await readDraft(lister.home.db, draftId))
  const check = await rehearse(draft, lister)
  return { status: 200, body: JSON.stringify(renameKeys(check)), headers: {} }
}

async function rehearse(draft: Draft, lister: Lister) {
  const nothing = { differences: [], warnings: [] }
  try {
    if (draft.items.length === 0) return { passes: true, problem: null, ...nothing }
    const steps = (await prepareItems(draft.items, lister)).map((write) => write.step)
    const { differences, document } = await tryChanges(lister.home, steps)
    const warnings = document === null ? [] : catalogWarnings(document)
    return { passes: true, problem: null, differences: differences ?? [], warnings }
  } catch (fault) {
    const problem = toProblem(fault)
    if (problem.status >= 500) throw fault
    const path = `/api/v1/drafts/${draft.id}/checks`
    const body = JSON.parse(problemBody(problem, { id: lister.request.id, path }))
    return { passes: false, problem: renameKeys(body), ...nothing }
  }
}

/** What publishing it would change. @throws AdminProblem that points to the item at fault */
export async function rehearseDraft({ draftId, lister }: Asked): Promise<Done> {
  const draft = found(await readDraft(lister.home.db, draftId))
  return rehearseBatch({ items: draft.items, atomic: true }, lister)
}

/** The catalog that would come of it; null when it changes none. @throws AdminProblem that says what stands in its way */
export async function draftDocument({ draftId, lister }: Asked): Promise<CatalogDocument | null> {
  const draft = found(await readDraft(lister.home.db, draftId))
  const steps = (await prepareItems(draft.items, lister)).map((write) => write.step)
  return steps.length === 0 ? null : (await tryChanges(lister.home, steps)).document
}

/** Does it. @throws AdminProblem that points to the item at fault */
export async function publishDraft({ draftId, lister }: Asked, message: string): Promise<Done> {
  const { home, by, request } = lister
  const draft = found(await readDraft(home.db, draftId))
  const intent = {
    ...doneBy(by, request),
    action: 'draft.published',
    requestId: request.id,
    changesCatalog: true,
  }
  const closing: Step<unknown> = {
    intent,
    work: async (context) => {
      const before = await openDraft({ params: { draftId } }, context)
      refuseOther(before, draft, request.ifMatch)
      return closeDraft(before, await nextVersion(context), context)
    },
  }
  const items = (await prepareItems(draft.items, lister)).map((write) => write.step)
  const { changes } = await commitSteps(home, [closing, ...items], message)
  const body = renameKeys(changes[0]?.reply)
  return { status: 200, body: JSON.stringify(body), headers: { etag: etagOf(body) } }
}

/** What is published is what was read a moment ago, and what whoever publishes has seen. */
function refuseOther(locked: Draft, read: Draft, ifMatch: string | undefined): void {
  const etag = etagOf(renameKeys(locked))
  if (etag !== etagOf(renameKeys(read))) throw notAsSeen(etag)
  if (ifMatch !== undefined && !listHolds(ifMatch, etag, 'If-Match')) throw notAsSeen(etag)
}

/** Versions are given under the catalog's lock, which is held. */
async function nextVersion({ db }: HandlerContext): Promise<number> {
  return ((await readCatalogStamp(db))?.version ?? 0) + 1
}
