/**
 * An unreachable rule of a route can never be the one that decides: it asks for what no call is, or earlier rules
 * take every call that it is meant for. Such a rule is a mistake of whoever wrote it, so no catalog holds one.
 */
import { isAlways, minutesOf, type RouteCondition, type TimeWindow } from './route-condition.ts'

/** Beyond so many combinations of values a rule is compared as a whole only. */
const COMBINATIONS_MAX = 4_096

type Rule = { readonly name: string; readonly when: RouteCondition }

export type RuleFault = { readonly message: string; readonly fix: string }

/** The team each app belongs to, and all teams there are. */
export type KnownOwners = {
  readonly teams: { has(id: string): boolean }
  readonly apps: { get(id: string): { readonly teamId: string } | undefined }
}

/** What is wrong with the rules of one route, in their order. */
export function ruleFaults(rules: readonly Rule[], known: KnownOwners): RuleFault[] {
  return rules.flatMap((rule, at) => ownFault(rule, known) ?? placeFault(rule, rules.slice(0, at)) ?? [])
}

/** What is wrong with a rule where it stands. */
function placeFault(rule: Rule, earlier: readonly Rule[]): RuleFault | null {
  if (earlier.some((it) => it.name === rule.name)) {
    const message = `two rules are named "${rule.name}"`
    return { message, fix: 'Give each rule a name of its own.' }
  }
  const covering = coveredBy(rule, earlier)
  if (covering === null) return null
  const names = covering.map((it) => `"${it.name}"`).join(', ')
  const take = covering.length > 1 ? 'take' : 'takes'
  return {
    message: `rule "${rule.name}" is never reached: ${names} before it ${take} all its calls`,
    fix: `Put "${rule.name}" before ${names}, ask for less in them, or remove it.`,
  }
}

function ownFault({ name, when }: Rule, { teams, apps }: KnownOwners): RuleFault | null {
  for (const id of when.teamIds ?? []) if (!teams.has(id)) return unknownOwner(name, 'team', id)
  for (const id of when.appIds ?? []) if (apps.get(id) === undefined) return unknownOwner(name, 'app', id)
  const bad = when.times?.find((it) => it.from === it.to)
  if (bad !== undefined) {
    const message = `rule "${name}" has a window from ${bad.from} to ${bad.to}, which holds no time`
    return { message, fix: 'Send another end; a whole day is from 00:00 to 24:00.' }
  }
  if (isEmpty(when)) {
    const message = `rule "${name}" holds for every call, so nothing behind it is ever reached`
    return { message, fix: 'Ask for something in it, or make its tiers those of the route itself.' }
  }
  if (neverHolds(when, apps)) {
    const message = `rule "${name}" can never hold: none of its apps belongs to one of its teams, or a tag must have two values`
    return { message, fix: 'Name the teams of those apps, or leave the teams away; name each tag once.' }
  }
  return null
}

function unknownOwner(name: string, kind: 'team' | 'app', id: string): RuleFault {
  const message = `rule "${name}" speaks of ${kind} ${id}, which does not exist`
  return { message, fix: `Take it out of the rule's ${kind}_ids, or name one that exists.` }
}

function isEmpty({ teamIds, appIds, endpoints, tags, times }: RouteCondition): boolean {
  const asksTime = times !== null && !times.some(isAlways)
  return teamIds === null && appIds === null && endpoints === null && tags === null && !asksTime
}

function neverHolds({ teamIds, appIds, tags }: RouteCondition, apps: KnownOwners['apps']): boolean {
  if (teamIds !== null && appIds !== null) {
    const wanted = new Set<string>(teamIds)
    if (!appIds.some((id) => wanted.has(apps.get(id)?.teamId ?? ''))) return true
  }
  const byName = Map.groupBy(tags ?? [], (tag) => tag.name)
  return [...byName.values()].some((same) => {
    const [first, ...rest] = same
    return !first?.values.some((value) => rest.every((it) => it.values.includes(value)))
  })
}

/** The earlier rules that together take every call of this one; null when some call is left to it. */
function coveredBy(rule: Rule, earlier: readonly Rule[]): readonly Rule[] | null {
  const whole = earlier.find((it) => covers(it.when, rule.when))
  if (whole !== undefined) return [whole]
  const parts = combinations(rule.when)
  if (parts === null) return null
  const takers = new Set<Rule>()
  for (const part of parts) {
    const taker = earlier.find((it) => covers(it.when, part))
    if (taker === undefined) return null
    takers.add(taker)
  }
  return [...takers]
}

/** A condition as many of one value each, which together ask for the same; null when they would be too many. */
function combinations(when: RouteCondition): RouteCondition[] | null {
  let all: RouteCondition[] = [when]
  const split = (parts: (it: RouteCondition) => RouteCondition[]): boolean => {
    all = all.flatMap(parts)
    return all.length <= COMBINATIONS_MAX
  }
  const fits =
    split((it) => it.teamIds?.map((id) => ({ ...it, teamIds: [id] })) ?? [it]) &&
    split((it) => it.appIds?.map((id) => ({ ...it, appIds: [id] })) ?? [it]) &&
    split((it) => it.endpoints?.map((name) => ({ ...it, endpoints: [name] })) ?? [it]) &&
    (when.tags ?? []).every((_, at) => split((it) => singleValues(it, at))) &&
    split((it) => it.times?.flatMap(singleDays).map((window) => ({ ...it, times: [window] })) ?? [it])
  return fits ? all : null
}

function singleValues(it: RouteCondition, at: number): RouteCondition[] {
  const tags = it.tags ?? []
  return (tags[at]?.values ?? []).map((value) => ({
    ...it,
    tags: tags.map((tag, i) => (i === at ? { ...tag, values: [value] } : tag)),
  }))
}

function singleDays(window: TimeWindow): TimeWindow[] {
  return window.weekdays.map((day) => ({ ...window, weekdays: [day] }))
}

/** True when every call that meets `narrow` meets `wide` too. */
function covers(wide: RouteCondition, narrow: RouteCondition): boolean {
  return (
    holdsAll(wide.teamIds, narrow.teamIds) &&
    holdsAll(wide.appIds, narrow.appIds) &&
    holdsAll(wide.endpoints, narrow.endpoints) &&
    (wide.tags ?? []).every((tag) =>
      narrow.tags?.some((it) => it.name === tag.name && holdsAll(tag.values, it.values)),
    ) &&
    coversTimes(wide.times, narrow.times)
  )
}

function holdsAll<T>(wide: readonly T[] | null, narrow: readonly T[] | null): boolean {
  return wide === null || (narrow?.every((it) => wide.includes(it)) ?? false)
}

function coversTimes(wide: readonly TimeWindow[] | null, narrow: readonly TimeWindow[] | null): boolean {
  if (wide === null || wide.some(isAlways)) return true
  return narrow?.every((it) => wide.some((other) => coversWindow(other, it))) ?? false
}

function coversWindow(wide: TimeWindow, narrow: TimeWindow): boolean {
  if (wide.timeZone !== narrow.timeZone || !holdsAll(wide.weekdays, narrow.weekdays)) return false
  const [outer, inner] = [minutesOf(wide), minutesOf(narrow)]
  return outer.from <= inner.from && inner.to <= outer.to
}
