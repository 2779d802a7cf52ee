/**
 * A standing is what all policies together say of one key: its own, and those of its app, its team and the
 * organisation, made into rules when a catalog is opened so that a call only looks them up. Rules are joined in
 * two ways: beside each other on one level, where all must hold, and one level below another, which it overrides.
 */
import type { CapRule, LevelKind, NameList, NameRules, Policy, RuleSource, Rules } from './policy.ts'

export type Standing = {
  /** What is refused; null when nothing can be. */
  readonly enforced: Rules | null
  /** What would be refused if shadow policies were enforced too; null when there are none. */
  readonly shadow: Rules | null
}

type Owner = { readonly id: string; readonly allowedModels: readonly string[] | null }

type Owners = {
  readonly teams: readonly Owner[]
  readonly apps: readonly (Owner & { readonly teamId: string })[]
  readonly policies: readonly Policy[]
}

type Key = Owner & { readonly appId: string }

type Said = { readonly isShadow: boolean; readonly rules: Rules }
/** What is said on one level, policy by policy. */
type Level = readonly Said[]

const silent: NameRules = { denies: [], allows: [] }
const unruled: Rules = {
  ...{ models: silent, endpoints: silent, resources: silent },
  ...{ inputTokens: null, outputTokens: null, choices: null, requestBytes: null },
}
const free: Standing = { enforced: null, shadow: null }

/** For a key whose app or team the catalog does not know: a deny, so that no list of its own can lift it. */
const unknownOwner: Level = [
  {
    isShadow: false,
    rules: {
      ...unruled,
      models: {
        denies: [{ by: { level: 'app', policy: null }, names: { has: () => true } }],
        allows: [],
      },
    },
  },
]

/**
 * Gives the standing of any key. Those of apps are computed here; a key that has rules of its own is judged the
 * first time it calls, and remembered as long as its record is.
 */
export function standingsOf({ teams, apps, policies }: Owners): (key: Key) => Standing {
  const byOwner = Map.groupBy(policies, (policy) => policy.ownerId)
  const levelOf = (kind: LevelKind, owner: Owner) => saidBy(kind, owner, byOwner.get(owner.id))
  const organisation = saidBy('organisation', { id: '', allowedModels: null }, byOwner.get(null))
  const teamLevels = new Map(teams.map((team) => [team.id, levelOf('team', team)]))
  const chains = new Map<string, readonly Level[]>()
  for (const app of apps) {
    chains.set(app.id, [organisation, teamLevels.get(app.teamId) ?? unknownOwner, levelOf('app', app)])
  }
  const ofApps = new Map([...chains].map(([appId, levels]) => [appId, standingOf(levels)]))
  const nowhere = standingOf([unknownOwner])
  const ofKeys = new WeakMap<Key, Standing>()
  return (key) => {
    const chain = chains.get(key.appId)
    if (chain === undefined) return nowhere
    if (key.allowedModels === null && !byOwner.has(key.id)) return ofApps.get(key.appId) ?? nowhere
    const known = ofKeys.get(key)
    if (known !== undefined) return known
    const standing = standingOf([...chain, levelOf('key', key)])
    ofKeys.set(key, standing)
    return standing
  }
}

function saidBy(level: LevelKind, owner: Owner, policies: readonly Policy[] = []): Level {
  const said: Said[] = policies.map((it) => ({ isShadow: it.mode === 'shadow', rules: rulesOf(level, it) }))
  if (owner.allowedModels !== null) {
    const by: RuleSource = { level, policy: null }
    const models = { denies: [], allows: listsOf(by, owner.allowedModels) }
    said.unshift({ isShadow: false, rules: { ...unruled, models } })
  }
  return said
}

function rulesOf(level: LevelKind, it: Policy): Rules {
  const by: RuleSource = { level, policy: { id: it.id, name: it.name } }
  const names = (denied: readonly string[] | null, allowed: readonly string[] | null): NameRules => ({
    denies: listsOf(by, denied),
    allows: listsOf(by, allowed),
  })
  const cap = (max: number | null): CapRule | null => (max === null ? null : { by, max })
  return {
    models: names(it.deniedModels, it.allowedModels),
    endpoints: names(it.deniedEndpoints, it.allowedEndpoints),
    resources: names(it.deniedResources, it.allowedResources),
    inputTokens: cap(it.inputTokensMax),
    outputTokens: cap(it.outputTokensMax),
    choices: cap(it.choicesMax),
    requestBytes: cap(it.requestBytesMax),
  }
}

function listsOf(by: RuleSource, names: readonly string[] | null): NameList[] {
  return names === null ? [] : [{ by, names: new Set(names) }]
}

/** @param levels from the widest to the narrowest */
function standingOf(levels: readonly Level[]): Standing {
  const said = levels.flat()
  if (said.length === 0) return free
  const all = (isIn: (it: Said) => boolean) =>
    levels
      .map((level) =>
        level
          .filter(isIn)
          .map((it) => it.rules)
          .reduce(beside, unruled),
      )
      .reduce(below)
  const isEnforced = (it: Said) => !it.isShadow
  return {
    enforced: said.some(isEnforced) ? all(isEnforced) : null,
    shadow: said.every(isEnforced) ? null : all(() => true),
  }
}

/** Two rules of one level: everything that either says holds. */
function beside(a: Rules, b: Rules): Rules {
  return joined(a, b, (one, other) => [...one, ...other])
}

/** A level and the narrower one below it, whose allow lists take the place of the wider ones'. */
function below(wide: Rules, narrow: Rules): Rules {
  return joined(wide, narrow, (one, other) => (other.length > 0 ? other : one))
}

type JoinLists = (a: readonly NameList[], b: readonly NameList[]) => readonly NameList[]

function joined(a: Rules, b: Rules, allows: JoinLists): Rules {
  const names = (one: NameRules, other: NameRules): NameRules => ({
    denies: [...one.denies, ...other.denies],
    allows: allows(one.allows, other.allows),
  })
  return {
    models: names(a.models, b.models),
    endpoints: names(a.endpoints, b.endpoints),
    resources: names(a.resources, b.resources),
    inputTokens: smaller(a.inputTokens, b.inputTokens),
    outputTokens: smaller(a.outputTokens, b.outputTokens),
    choices: smaller(a.choices, b.choices),
    requestBytes: smaller(a.requestBytes, b.requestBytes),
  }
}

function smaller(a: CapRule | null, b: CapRule | null): CapRule | null {
  if (a === null || b === null) return a ?? b
  return b.max < a.max ? b : a
}
