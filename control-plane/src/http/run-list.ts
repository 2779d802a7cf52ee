/** The operations that are lists of others (batches and drafts): judged like any request, done over the whole table. */
import type { Batch } from '@headgate/admin-contract/batch'
import { contract } from '@headgate/admin-contract/index'
import type { WriteOperation } from '@headgate/admin-contract/operation'
import type { SimulationRequest } from '@headgate/admin-contract/simulations'
import { renameKeys } from '@headgate/admin-contract/wire'
import { checkIdempotencyKey } from '../database/idempotent-replies.ts'
import { permit } from './permit.ts'
import type { LooseCall, Place } from './places.ts'
import { partDryRun, readCall, renamed } from './read-request.ts'
import { recordingRefusals } from './refusals.ts'
import { type Lister, rehearseBatch, runBatch } from './run-batch.ts'
import { checkDraft, publishDraft, rehearseDraft } from './run-draft.ts'
import { type Doer, type Done, type InboundRequest, rehearsed } from './run-operation.ts'
import { runSimulations } from './run-simulations.ts'

type ListRequest = Lister & { readonly request: InboundRequest }
type List = {
  readonly it: WriteOperation
  readonly run: (call: LooseCall, lister: ListRequest) => Promise<Done>
  /** The same, taken back. */
  readonly rehearse: (call: LooseCall, lister: ListRequest) => Promise<Done>
}

/** Each with what does it. */
export function allLists(): readonly List[] {
  const draftOf = ({ params }: LooseCall) => (params as { draftId: string }).draftId
  return [
    // What the shape of each has parsed.
    {
      it: contract.batch.run,
      run: ({ body }, lister) => runBatch(body as Batch, lister),
      rehearse: ({ body }, lister) => rehearseBatch(body as Batch, lister),
    },
    {
      it: contract.simulations.run,
      run: ({ body }, lister) => runSimulations(body as SimulationRequest, lister),
      // It changes nothing in any case.
      rehearse: async () => rehearsed({ changes: [], document: null, differences: null }),
    },
    {
      it: contract.publications.check,
      run: (call, lister) => checkDraft({ draftId: draftOf(call), lister }),
      rehearse: (call, lister) => rehearseDraft({ draftId: draftOf(call), lister }),
    },
    {
      it: contract.publications.publish,
      run: (call, lister) =>
        publishDraft({ draftId: draftOf(call), lister }, (call.body as { message: string }).message),
      rehearse: (call, lister) => rehearseDraft({ draftId: draftOf(call), lister }),
    },
  ]
}

/** Does one of them. @throws AdminProblem, or whatever else went wrong */
export function runList(
  { it, run, rehearse }: List,
  { home, signIn, places }: Doer & { readonly places: ReadonlyMap<string, Place> },
  request: InboundRequest,
): Promise<Done> {
  return recordingRefusals(home, { it, request }, async (attempt) => {
    const by = await signIn(request.credentials, it.method)
    attempt.actor = by
    permit(by, it)
    if (request.idempotencyKey !== undefined) checkIdempotencyKey(request.idempotencyKey)
    const { isDryRun, query } = partDryRun(it, renameKeys(request.query))
    const call = readCall(it, { params: request.params, query, body: renamed(request.body) })
    return (isDryRun ? rehearse : run)(call, { home, by, places, request })
  })
}
