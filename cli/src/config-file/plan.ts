/**
 * What is to be done so that an instance is as the file says: a list of steps in an order in which each can be done.
 * The file is judged here too, as far as that goes without asking the server to try.
 */
import { canonicalJson } from '@headgate/domain/canonical-json'
import { type Validity, validityState } from '@headgate/domain/validity'
import { allOperations } from '../contract-commands.ts'
import { sentSchema } from '../flags.ts'
import type { Entry, Kind, Ref } from './kind.ts'
import { kinds } from './kinds.ts'
import { type FlatLimit, flatLimits } from './limit-tree.ts'
import type { Live, LiveThing } from './live.ts'
import type { ConfigFile, Section } from './shape.ts'
import type { FileFault } from './yaml-file.ts'

export type Stated = {
  readonly kind: Kind
  readonly identity: string
  readonly entry: Entry
  readonly path: readonly PropertyKey[]
}

export type Step =
  | { readonly action: 'create'; readonly stated: Stated }
  | {
      readonly action: 'change'
      readonly stated: Stated
      readonly live: LiveThing
      readonly fields: readonly string[]
    }
  | { readonly action: 'remove'; readonly live: LiveThing }

/** Everything the file states, in the order of the kinds. */
export function statedIn(config: ConfigFile): Stated[] {
  return kinds.flatMap((kind) => {
    const entries =
      kind.section === 'limits'
        ? flatLimits(config.limits ?? []).map(({ limit, path }) => ({
            entry: limit as unknown as Entry,
            path,
          }))
        : ((config[kind.section] ?? []) as Entry[]).map((entry, index) => ({
            entry,
            path: [kind.section, index],
          }))
    return entries.map(({ entry, path }) => ({ kind, entry, path, identity: kind.identity(entry) }))
  })
}

const DUMMY_PREFIX: Partial<Record<Section, string>> = {
  ...{ models: 'ali', teams: 'team', apps: 'app', resources: 'res', quotas: 'quo', deployments: 'dep' },
  ...{ limits: 'lim', budgets: 'bud' },
}

/**
 * What is wrong with a file by itself: things said twice, names of what is not there, values the domain refuses.
 * @param live where names may be as well; null while no server is asked
 */
export function statedFaults(config: ConfigFile, stated: readonly Stated[], live: Live | null): FileFault[] {
  const names = new Set(stated.map((it) => `${it.kind.section} ${it.identity}`))
  const liveNames = new Set(live?.things.map((it) => `${it.kind.section} ${it.identity}`))
  const seen = new Set<string>()
  const dummies = dummyIds()
  return stated.flatMap(({ kind, identity, entry, path }) => {
    const faults: FileFault[] = []
    const own = `${kind.section} ${identity}`
    if (seen.has(own))
      faults.push({ path, message: `the ${kind.called} "${kind.title(entry)}" stands here twice` })
    seen.add(own)
    const ref: Ref = (section, name) => {
      const full = `${section} ${name}`
      // A section that is left out is left alone: what it would hold may be at the server.
      const mayBeElsewhere = live === null ? config[section] === undefined : liveNames.has(full)
      if (!names.has(full) && !mayBeElsewhere) faults.push({ path, message: missingText(section, name) })
      return dummies(section, name)
    }
    const body = kind.bodyOf(entry, ref)
    const parsed = kind.created.safeParse(body)
    if (!parsed.success)
      for (const issue of parsed.error.issues)
        faults.push({ path: [...path, ...issue.path.map(fieldIn(entry))], message: issue.message })
    return faults
  })
}

/** Ids of the right form for things whose ids nobody knows, one for each name. */
function dummyIds(): Ref {
  const numbers = new Map<string, number>()
  return (section, identity) => {
    const name = `${section} ${identity}`
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return `${DUMMY_PREFIX[section] ?? section}_${String(number).padStart(26, '0')}`
  }
}

function missingText(section: Section, identity: string): string {
  const kind = kinds.find((it) => it.section === section)
  const name = (JSON.parse(identity) as unknown[])
    .map((it) => (typeof it === 'string' ? it : canonicalJson(it)))
    .join('/')
  return `there is no ${kind?.called ?? section} "${name}", neither in the file nor at the server`
}

/** What the body calls `teamId` the entry calls `team`. */
function fieldIn(entry: Entry): (part: PropertyKey, index: number) => PropertyKey {
  return (part, index) => {
    if (index > 0 || typeof part !== 'string' || Object.hasOwn(entry, part)) return part
    const short = part.replace(/(Ids?|Nanos)$/, '')
    return [short, `${short}s`].find((it) => Object.hasOwn(entry, it)) ?? part
  }
}

export type Plan = { readonly steps: readonly Step[]; readonly faults: readonly FileFault[] }

/** Compares. What is there and not in the file is a step only where a section says what there is, and things can be removed. */
export function planOf(config: ConfigFile, stated: readonly Stated[], live: Live): Plan {
  const liveBy = new Map(live.things.map((it) => [`${it.kind.section} ${it.identity}`, it]))
  const faults: FileFault[] = []
  const steps = stated.flatMap((it): Step[] => {
    const there = liveBy.get(`${it.kind.section} ${it.identity}`)
    if (there === undefined) return [{ action: 'create', stated: it }]
    const fields = differingFields(it, there)
    if (fields.length === 0) return []
    const changeable = changeableFields(there, live)
    const fixed = fields.filter((field) => !changeable.has(field))
    if (fixed.length === 0) return [{ action: 'change', stated: it, live: there, fields }]
    faults.push({ path: it.path, message: fixedText(it, fixed, isHistory(there, live)) })
    return []
  })
  const kept = new Set(stated.map((it) => `${it.kind.section} ${it.identity}`))
  const gone = live.things.filter(
    (it) =>
      config[it.kind.section] !== undefined &&
      !isHistory(it, live) &&
      !it.kind.isGiven?.(it.thing) &&
      !kept.has(`${it.kind.section} ${it.identity}`),
  )
  return {
    steps: [...ordered(steps), ...gone.toReversed().map((it) => ({ action: 'remove' as const, live: it }))],
    faults,
  }
}

/** What holds for a time and has come into force, so that calls may have been billed with it. */
function isHistory({ kind, entry }: LiveThing, { asOfMs }: Live): boolean {
  return kind.fieldsInForce !== undefined && validityState(entry as Entry & Validity, asOfMs) !== 'coming'
}

/**
 * What gives way first: shares that become smaller, so that what one limit gives up is there for the next, and what
 * is closed, so that another may begin. All else in the order of the file.
 */
function ordered(steps: readonly Step[]): Step[] {
  const isLess = (step: Step) => {
    if (step.action !== 'change') return false
    const { kind, entry } = step.stated
    if (kind.fieldsInForce !== undefined) return true
    return kind.section === 'limits' && shareOf(entry) < shareOf(step.live.entry)
  }
  const place = (step: Step) => (step.action === 'remove' ? 0 : kinds.indexOf(step.stated.kind))
  return steps.toSorted((a, b) => place(a) - place(b) || Number(isLess(b)) - Number(isLess(a)))
}

function shareOf(entry: Entry): number {
  return (entry as unknown as FlatLimit).share ?? 0
}

/** What the body of a change would have to hold. Says of a limit that it may be oversubscribed, it does not differ. */
export function differingFields({ kind, entry }: Pick<Stated, 'kind' | 'entry'>, live: LiveThing): string[] {
  const ref: Ref = (section, identity) => `${section} ${identity}`
  const [wanted, there] = [parsedBody(kind, entry, ref), parsedBody(kind, live.entry, ref)]
  return Object.keys(wanted).filter(
    (field) =>
      field !== 'allowOversubscription' && canonicalJson(wanted[field]) !== canonicalJson(there[field]),
  )
}

/** With its lists in the order that the domain keeps them in. */
function parsedBody(kind: Kind, entry: Entry, ref: Ref): Record<string, unknown> {
  const body = kind.bodyOf(entry, ref)
  const steps = body['steps'] as { atPercent: number }[] | undefined
  return steps === undefined ? body : { ...body, steps: steps.toSorted((a, b) => a.atPercent - b.atPercent) }
}

function changeableFields(there: LiveThing, live: Live): ReadonlySet<string> {
  const { operations, fieldsInForce } = there.kind
  if (isHistory(there, live)) return new Set(fieldsInForce)
  const body = allOperations().get(operations.change)?.body
  return new Set(body === undefined ? [] : Object.keys(sentSchema(body).properties ?? {}))
}

function fixedText({ kind, entry }: Stated, fields: readonly string[], isPast: boolean): string {
  const what = `${fields.join(', ')} of the ${kind.called} "${kind.title(entry)}"`
  return isPast
    ? `${what} is another at the server, and calls may have been billed with it: add one with a later effective_from, or set effective_to, which closes it`
    : `${what} cannot be changed: give it another name, which makes another one`
}
