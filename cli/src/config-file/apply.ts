/**
 * `headgate config apply`: makes the instance as the file says, in one transaction that is done whole or not at all.
 * A second time it finds nothing to do. What is there and not in the file is removed only with `--prune`.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { OwnCommand, Run } from '../command.ts'
import { asksToDelete, confirmDeletion } from '../confirm.ts'
import { allOperations } from '../contract-commands.ts'
import { CommandFault, type Ending, wrongUsage } from '../exit-codes.ts'
import { ownFlag } from '../flags.ts'
import { asBatchItem, batchItems } from './batch-items.ts'
import { type Planned, planned, showSteps } from './diff.ts'
import type { LiveThing } from './live.ts'
import type { Step } from './plan.ts'
import { filePositional } from './validate.ts'

/** As many as the admin API does in one transaction. */
const STEPS_MAX = 1000

export const applyCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['config', 'apply'],
  summary: 'Makes the instance as the file says: all of it or nothing. A second time there is nothing to do.',
  positionals: [filePositional],
  flags: [
    ownFlag('dry-run', 'boolean', 'Does it to its end and takes it back: shows what would change.'),
    ownFlag(
      'prune',
      'boolean',
      'Also removes what is there and not in the file, in the sections that the file has.',
    ),
    ownFlag('yes', 'boolean', 'Does not ask before it removes, or before a shorter retention deletes.', [
      'y',
    ]),
    ownFlag('message', 'text', 'Why, for the version of the catalog that comes of it.', ['m']),
  ],
  examples: [
    'headgate config apply headgate.yaml --dry-run',
    'headgate config apply headgate.yaml --message "The new team"',
  ],
  run: async (run) => {
    const it = await planned(run)
    const steps = it.plan.steps.filter((step) => step.action !== 'remove' || run.has('prune'))
    const kept = it.plan.steps.length - steps.length
    if (kept > 0) run.io.say(`${kept} things are there and not in the file; --prune removes them.`)
    if (steps.length === 0) {
      run.io.say('Nothing to do.')
      return 'done'
    }
    if (!run.has('dry-run')) await confirmRemovals(steps, run)
    return applySteps(it, steps, run)
  },
}

async function confirmRemovals(steps: readonly Step[], run: Run): Promise<void> {
  const removed = steps.filter((it) => it.action === 'remove')
  if (removed.length === 0 || run.has('yes')) return
  if (!run.io.canAsk)
    throw wrongUsage(
      `${removed.length} things would be removed and nobody can be asked here: say --yes, or try --dry-run`,
    )
  for (const { live } of removed) run.io.say(`remove ${live.kind.called} ${live.kind.title(live.entry)}`)
  const answer = await run.io.ask(`Type how many things are to be removed to go on (${removed.length}): `)
  if (answer !== String(removed.length))
    throw new CommandFault('failed', 'That is another number: nothing was done.')
}

async function applySteps(it: Planned, steps: readonly Step[], run: Run): Promise<Ending> {
  const parts = Array.from({ length: Math.ceil(steps.length / STEPS_MAX) }, (_, index) =>
    steps.slice(index * STEPS_MAX, (index + 1) * STEPS_MAX),
  )
  if (parts.length > 1 && run.has('dry-run'))
    throw wrongUsage(
      `${steps.length} steps are more than the ${STEPS_MAX} that can be tried as one: headgate config diff shows them.`,
    )
  const ids = new Map(
    it.live.things.map(({ kind, identity, id }) => [`${kind.section} ${identity}`, id] as const),
  )
  let done = 0
  for (const part of parts) {
    try {
      await applyPart(it, part, { ids, run })
    } catch (fault) {
      if (done === 0) throw fault
      const reason = fault instanceof Error ? fault.message : String(fault)
      throw new CommandFault(
        'partly',
        `${done} of ${steps.length} steps are done, then: ${reason}\nApply it again to go on.`,
      )
    }
    done += part.length
  }
  await showSteps(steps, run)
  run.io.say(run.has('dry-run') ? `${steps.length} steps would be done.` : `${steps.length} steps are done.`)
  return 'done'
}

type Applying = { readonly ids: Map<string, string>; readonly run: Run }

async function applyPart(it: Planned, steps: readonly Step[], { ids, run }: Applying): Promise<void> {
  const etags = await etagsOf(steps, run)
  const items = batchItems(steps, ids, etags).map(asBatchItem)
  const message = run.value('message')
  const body = { atomic: true, items, ...(message === null ? {} : { message }) }
  try {
    if (run.has('dry-run')) {
      await run.client().batch.run({ body, dryRun: true })
      return
    }
    const { data } = await runAndAsk(body, run)
    for (const [index, step] of steps.entries()) {
      const id = (data[index]?.body as { id?: string } | null)?.id
      if (step.action === 'create' && id !== undefined)
        ids.set(`${step.stated.kind.section} ${step.stated.identity}`, id)
    }
  } catch (fault) {
    throw fault instanceof AdminProblem ? placed(fault, it, steps) : fault
  }
}

type Sent = Parameters<ReturnType<Run['client']>['batch']['run']>[0]['body']

/** Runs it; where a shorter retention would delete something, runs it again with leave to do so, if it is given. */
async function runAndAsk(body: Sent, run: Run) {
  const send = (it: Sent) => run.client().batch.run({ body: it, idempotencyKey: crypto.randomUUID() })
  try {
    return await send(body)
  } catch (fault) {
    if (!asksToDelete(fault)) throw fault
    await confirmDeletion(fault, 'settings', run)
    const items = body.items.map((it) =>
      it.operation === 'settings.change'
        ? { ...it, body: { ...(it.body as object), allowDeletion: true } }
        : it,
    )
    return send({ ...body, items })
  }
}

/** Says where in the file stands what the server refused. */
function placed(problem: AdminProblem, { file }: Planned, steps: readonly Step[]): AdminProblem {
  const faults = problem.faults.map((fault) => {
    const index = Number(/^\/items\/(\d+)/.exec(fault.pointer)?.[1] ?? -1)
    const step = steps[index]
    if (step === undefined) return fault
    const place =
      step.action === 'remove' ? step.live.kind.title(step.live.entry) : file.placeOf(step.stated.path)
    return { ...fault, pointer: `${place}${fault.pointer.replace(/^\/items\/\d+/, '').replaceAll('/', ' ')}` }
  })
  const { code, message, status, requestId, etag } = problem
  return new AdminProblem(code, message, {
    ...{ faults, status, cause: problem },
    ...(requestId === null ? {} : { requestId }),
    ...(etag === null ? {} : { etag }),
  })
}

/** The states that the plan was made from. @throws CommandFault when one is another by now */
async function etagsOf(steps: readonly Step[], run: Run): Promise<Map<string, string>> {
  const etags = new Map<string, string>()
  for (const step of steps) {
    if (step.action === 'create') continue
    const now = await readAgain(step.live, run)
    const etag = run.client().etagOf(now)
    if (canonicalJson(now) !== canonicalJson(step.live.thing))
      throw new CommandFault(
        'conflict',
        `The ${step.live.kind.called} "${step.live.kind.title(step.live.entry)}" was changed by somebody else meanwhile: apply it again.`,
      )
    if (etag !== undefined) etags.set(step.live.id, etag)
  }
  return etags
}

type Reader = (input: { params: Record<string, string> }) => Promise<object>

function readAgain({ kind, id }: LiveThing, run: Run): Promise<object> {
  // The walk over the kinds loses the types of the client; each has a read with one parameter.
  const read = (run.client() as unknown as Record<string, { read: Reader }>)[kind.word]?.read as Reader
  return read({ params: { [parameterOf(`${kind.word}.read`)]: id } })
}

function parameterOf(operation: string): string {
  return /\{(\w+)\}/.exec(allOperations().get(operation)?.path ?? '')?.[1] ?? ''
}
