/** `headgate config diff`: what would have to happen so that the instance is as the file says. */
import type { OwnCommand, Run } from '../command.ts'
import { formOf, show } from '../show.ts'
import type { Ref } from './kind.ts'
import { type Live, readLive } from './live.ts'
import { differingFields, type Plan, planOf, type Step, statedFaults } from './plan.ts'
import { filePositional, readStated, refuseFaults, type StatedFile } from './validate.ts'

export const diffCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['config', 'diff'],
  summary: 'Compares a file with the instance. Ends with 3 where they differ.',
  positionals: [filePositional],
  flags: [],
  examples: ['headgate config diff headgate.yaml', 'headgate config diff headgate.yaml --output json'],
  run: async (run) => {
    const { plan } = await planned(run)
    if (plan.steps.length === 0) {
      if (formOf(run) !== 'table') await show([], run)
      run.io.say('No difference.')
      return 'done'
    }
    await showSteps(plan.steps, run)
    return 'differs'
  },
}

export type Planned = StatedFile & { readonly live: Live; readonly plan: Plan }

/** Reads file and instance and compares them. @throws CommandFault with all that is wrong with the file */
export async function planned(run: Run): Promise<Planned> {
  const read = await readStated(run)
  const live = await readLive(run.client(), run.stop)
  const plan = planOf(read.config, read.stated, live)
  refuseFaults(read.file, [...statedFaults(read.config, read.stated, live), ...plan.faults])
  return { ...read, live, plan }
}

/** One row for each step, and of a change one for each field. */
export async function showSteps(steps: readonly Step[], run: Run): Promise<void> {
  await show(steps.flatMap(rowsOf), run)
}

function rowsOf(step: Step): Record<string, unknown>[] {
  const { kind, entry } = step.action === 'remove' ? step.live : step.stated
  const head = { action: step.action, kind: kind.called, name: kind.title(entry) }
  if (step.action !== 'change') return [{ ...head, field: null, from: null, to: null }]
  const ref: Ref = (_, identity) => (JSON.parse(identity) as unknown[]).at(-1)
  const [wanted, there] = [kind.bodyOf(step.stated.entry, ref), kind.bodyOf(step.live.entry, ref)]
  return differingFields(step.stated, step.live).map((field) => ({
    ...head,
    field: field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ...{ from: there[field] ?? null, to: wanted[field] ?? null },
  }))
}
