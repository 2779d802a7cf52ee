/** Routes in the file: which deployments serve a model, and which calls go elsewhere, all by names. */
import { NewRoute } from '@headgate/domain/route'
import type { z } from 'zod'
import { kind, named, nameOf, namesOf, ordered, ownerOf } from './entry-fields.ts'
import type { Known, Ref } from './kind.ts'
import type { RouteEntry } from './shape.ts'

type Entry = z.output<typeof RouteEntry>
type Rule = Entry['rules'][number]
type LiveTiers = readonly (readonly { readonly deploymentId: string; readonly weight: number }[])[]
type LiveRule = Omit<Rule, 'when' | 'tiers'> & {
  readonly when: Omit<Rule['when'], 'teams' | 'apps'> & {
    readonly teamIds: readonly string[] | null
    readonly appIds: readonly string[] | null
  }
  readonly tiers: LiveTiers
}

export const routeKind = kind<Entry>({
  ...{ section: 'routes', word: 'routes', called: 'route', created: NewRoute },
  identity: ({ model }) => [model],
  title: ({ model }) => model,
  entryOf: (thing, known) => {
    const model = named(thing['aliasId'], known)
    if (model === null) return null
    const { rules, tiers, choice } = thing as {
      rules?: LiveRule[]
      tiers: LiveTiers
      choice: Entry['choice']
    }
    return {
      model,
      rules: (rules ?? []).map((rule) => ruleOf(rule, known)),
      tiers: namedTiers(tiers, known),
      choice,
    }
  },
  bodyOf: ({ model, rules, tiers, choice }, ref) => ({
    aliasId: ref('models', nameOf(model)),
    rules: rules.map((rule) => ruleBody(rule, ref)),
    tiers: tiersBody(tiers, ref),
    choice,
  }),
})

/** What is unknown here was made while we read: the next run has its name. */
function namedTiers(tiers: LiveTiers, known: Known): Entry['tiers'] {
  return tiers.map((tier) =>
    tier.map(({ deploymentId, weight }) => ({
      deployment: named(deploymentId, known) ?? deploymentId,
      weight,
    })),
  )
}

function tiersBody(tiers: Entry['tiers'], ref: Ref): unknown {
  return tiers.map((tier) =>
    tier.map(({ deployment, weight }) => ({ deploymentId: ref('deployments', nameOf(deployment)), weight })),
  )
}

function ruleOf({ name, when, tiers, choice }: LiveRule, known: Known): Rule {
  const { teamIds, appIds, endpoints, tags, times } = when
  const apps = appIds?.flatMap((id) => {
    const owner = ownerOf(id, known)
    return owner?.app === undefined ? [] : [{ team: owner.team, app: owner.app }]
  })
  const where = { teams: namesOf(teamIds, known), apps: ordered(apps ?? null), endpoints, tags, times }
  return { name, when: where, tiers: namedTiers(tiers, known), choice }
}

function ruleBody({ name, when: { teams, apps, ...when }, tiers, choice }: Rule, ref: Ref): unknown {
  return {
    name,
    when: {
      ...when,
      teamIds: teams?.toSorted().map((team) => ref('teams', nameOf(team))) ?? null,
      appIds: ordered(apps)?.map(({ team, app }) => ref('apps', nameOf(team, app))) ?? null,
    },
    tiers: tiersBody(tiers, ref),
    choice,
  }
}
