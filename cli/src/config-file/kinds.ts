/** The kinds, in the order they depend on each other. */

import { NewAgreement } from '@headgate/domain/agreement'
import { NewAlertChannel } from '@headgate/domain/alert-channel'
import { NewApp } from '@headgate/domain/app'
import { NewBudget } from '@headgate/domain/budget'
import { NewDeployment } from '@headgate/domain/deployment'
import { NewExchangeRate } from '@headgate/domain/exchange-rate'
import { NewLimit } from '@headgate/domain/limit'
import { NewModelAlias } from '@headgate/domain/model-alias'
import { NewModelEntry } from '@headgate/domain/model-entry'
import { NewPolicy } from '@headgate/domain/policy'
import { NewPrice } from '@headgate/domain/price'
import { NewQuota, NewResource } from '@headgate/domain/resource'
import { NewRoleMapping } from '@headgate/domain/role-mapping'
import { NewTeam } from '@headgate/domain/team'
import type { z } from 'zod'
import {
  instant,
  kind,
  named,
  nameOf,
  namesOf,
  ordered,
  ownerOf,
  ownerRef,
  plainParts,
  without,
} from './entry-fields.ts'
import type { Kind, Known, Ref } from './kind.ts'
import { type FlatLimit, type LimitParent, limitIdentity, ownerTitle } from './limit-tree.ts'
import { moneyText, nanosOf } from './money.ts'
import { routeKind } from './route-kind.ts'
import { settingKind } from './setting-kind.ts'
import type * as shape from './shape.ts'

type Of<T extends z.ZodType> = z.output<T>

const upstreamKinds: readonly Kind[] = [
  kind<Of<typeof shape.ModelEntry>>({
    ...{ section: 'models', word: 'modelAliases', called: 'model', created: NewModelAlias, ...plainParts },
    entryOf: (thing) => without(thing, 'id', 'createdAt') as Of<typeof shape.ModelEntry>,
    bodyOf: (entry) => ({ ...entry }),
  }),
  kind<Of<typeof NewModelEntry>>({
    ...{ section: 'modelEntries', word: 'modelEntries', called: 'model entry', created: NewModelEntry },
    identity: ({ name, provider }) => [name, provider],
    title: ({ name, provider }) => `${name}${provider === null ? '' : ` at ${provider}`}`,
    entryOf: (thing) => without(thing, 'id', 'createdAt') as Of<typeof NewModelEntry>,
    bodyOf: (entry) => ({ ...entry }),
  }),
  kind<Of<typeof shape.ResourceEntry>>({
    ...{ section: 'resources', word: 'resources', called: 'resource', created: NewResource, ...plainParts },
    entryOf: (thing) => without(thing, 'id', 'createdAt') as Of<typeof shape.ResourceEntry>,
    bodyOf: (entry) => ({ ...entry }),
  }),
  kind<Of<typeof shape.QuotaEntry>>({
    ...{ section: 'quotas', word: 'quotas', called: 'quota', created: NewQuota },
    identity: ({ resource, name }) => [resource, name],
    title: ({ resource, name }) => `${resource}/${name}`,
    entryOf: (thing, known) => {
      const resource = named(thing['resourceId'], known)
      if (resource === null) return null
      return { ...without(thing, 'id', 'createdAt', 'resourceId'), resource } as Of<typeof shape.QuotaEntry>
    },
    bodyOf: ({ resource, ...rest }, ref) => ({ ...rest, resourceId: ref('resources', nameOf(resource)) }),
  }),
  kind<Of<typeof shape.DeploymentEntry>>({
    ...{
      section: 'deployments',
      word: 'deployments',
      called: 'deployment',
      created: NewDeployment,
      ...plainParts,
    },
    entryOf: (thing, known) => {
      const resource = named(thing['resourceId'], known)
      if (resource === null) return null
      const { name, upstreamModel, pricedAs } = thing as Of<typeof shape.DeploymentEntry>
      const own = pricedAs === upstreamModel ? null : pricedAs
      return { name, resource, quota: named(thing['quotaId'], known), upstreamModel, pricedAs: own }
    },
    bodyOf: ({ resource, quota, pricedAs, ...rest }, ref) => ({
      ...rest,
      pricedAs: pricedAs ?? rest.upstreamModel,
      resourceId: ref('resources', nameOf(resource)),
      quotaId: quota === null ? null : ref('quotas', nameOf(resource, quota)),
    }),
  }),
]

const ownerKinds: readonly Kind[] = [
  kind<Of<typeof shape.TeamEntry>>({
    ...{ section: 'teams', word: 'teams', called: 'team', created: NewTeam, ...plainParts },
    entryOf: (thing) => without(thing, 'id', 'createdAt') as Of<typeof shape.TeamEntry>,
    bodyOf: (entry) => ({ ...entry }),
  }),
  kind<Of<typeof shape.AppEntry>>({
    ...{ section: 'apps', word: 'apps', called: 'app', created: NewApp },
    identity: ({ team, name }) => [team, name],
    title: ({ team, name }) => `${team}/${name}`,
    entryOf: (thing, known) => {
      const team = named(thing['teamId'], known)
      return team === null
        ? null
        : ({ team, ...without(thing, 'id', 'createdAt', 'teamId') } as Of<typeof shape.AppEntry>)
    },
    bodyOf: ({ team, ...rest }, ref) => ({ ...rest, teamId: ref('teams', nameOf(team)) }),
  }),
]

const ruleKinds: readonly Kind[] = [
  kind<Of<typeof shape.PolicyEntry>>({
    ...{ section: 'policies', word: 'policies', called: 'policy', created: NewPolicy },
    identity: ({ owner, name }) => [owner, name],
    title: ({ owner, name }) => `${owner === null ? 'organisation' : ownerTitle(owner)}: ${name}`,
    entryOf: (thing, known) => {
      const owner = ownerOf(thing['ownerId'], known)
      if (owner === null && thing['ownerId'] !== null) return null
      return {
        ...without(thing, 'id', 'createdAt', 'ownerId'),
        owner,
        allowedResources: namesOf(thing['allowedResources'], known),
        deniedResources: namesOf(thing['deniedResources'], known),
      } as Of<typeof shape.PolicyEntry>
    },
    bodyOf: ({ owner, allowedResources, deniedResources, ...rest }, ref) => ({
      ...rest,
      ownerId: ownerRef(owner, ref),
      allowedResources: allowedResources?.toSorted().map((name) => ref('resources', nameOf(name))) ?? null,
      deniedResources: deniedResources?.toSorted().map((name) => ref('resources', nameOf(name))) ?? null,
    }),
  }),
  kind<FlatLimit>({
    ...{ section: 'limits', word: 'limits', called: 'limit', created: NewLimit },
    identity: ({ owner, parent, model, measure }) => [owner, parent, model, measure],
    title: ({ owner, model, measure }) =>
      `${ownerTitle(owner)}: ${measure}${model === null ? '' : ` of ${model}`}`,
    entryOf: (thing, known) => {
      const owner = ownerOf(thing['ownerId'], known)
      const parent = parentOf(thing['parentId'], known)
      if (owner === null || parent === undefined) return null
      const {
        id: _,
        teamId: __,
        ownerId: ___,
        parentId: ____,
        quotaId: _____,
        createdAt: ______,
        ...rest
      } = thing
      return { ...rest, owner, parent, allowOversubscription: false } as unknown as FlatLimit
    },
    bodyOf: ({ owner, parent, ...rest }, ref) => ({
      ...rest,
      ownerId: ownerRef(owner, ref),
      parentId:
        parent === null
          ? null
          : 'quota' in parent
            ? quotaRef(parent.quota, ref)
            : ref('limits', parent.limit),
    }),
  }),
  kind<Of<typeof shape.BudgetEntry>>({
    ...{ section: 'budgets', word: 'budgets', called: 'budget', created: NewBudget },
    identity: ({ owner, name }) => [owner, name],
    title: ({ owner, name }) => `${ownerTitle(owner)}: ${name}`,
    entryOf: (thing, known) => {
      const owner = ownerOf(thing['ownerId'], known)
      if (owner === null || thing['archivedAt'] !== null) return null
      const { name, currency, amountNanos, period, timeZone, steps } = thing
      return {
        owner,
        name,
        currency,
        amount: moneyText(amountNanos as number),
        period,
        timeZone,
        steps,
      } as Of<typeof shape.BudgetEntry>
    },
    bodyOf: ({ owner, amount, ...rest }, ref) => ({
      ...rest,
      ownerId: ownerRef(owner, ref),
      amountNanos: nanosOf(String(amount)),
    }),
  }),
]

/** Undefined: a parent that has no place in the file, so that its parts have none either. */
function parentOf(id: unknown, known: Known): LimitParent | undefined {
  if (id === null) return null
  const found = known(id)
  if (found === null) return undefined
  const { section, entry } = found
  if (section === 'quotas') return { quota: `${entry['resource']}/${entry['name']}` }
  return { limit: limitIdentity(entry as unknown as FlatLimit) }
}

function quotaRef(quota: string, ref: Ref): unknown {
  const [resource, name] = quota.split('/')
  return ref('quotas', nameOf(resource, name))
}

const moneyKinds: readonly Kind[] = [
  kind<Of<typeof NewPrice>>({
    ...{ section: 'prices', word: 'prices', called: 'price', created: NewPrice },
    fieldsInForce: ['effectiveTo', 'source'],
    identity: ({ model, provider, effectiveFrom }) => [model, provider, instant(effectiveFrom)],
    title: ({ model, provider, effectiveFrom }) =>
      `${model}${provider === null ? '' : ` at ${provider}`} from ${effectiveFrom}`,
    entryOf: (thing) => dated(without(thing, 'id', 'createdAt')) as Of<typeof NewPrice>,
    bodyOf: (entry) => dated(entry),
  }),
  kind<Of<typeof shape.AgreementEntry>>({
    ...{ section: 'agreements', word: 'agreements', called: 'agreement', created: NewAgreement },
    fieldsInForce: ['effectiveTo', 'note'],
    identity: ({ resource, deployment, effectiveFrom }) => [resource, deployment, instant(effectiveFrom)],
    title: ({ resource, deployment, effectiveFrom }) => `${resource ?? deployment} from ${effectiveFrom}`,
    entryOf: (thing, known) => {
      const { resourceId, deploymentId } = thing
      const [resource, deployment] = [named(resourceId, known), named(deploymentId, known)]
      if (resource === null && deployment === null) return null
      const rest = dated(without(thing, 'id', 'createdAt', 'resourceId', 'deploymentId'))
      return { resource, deployment, ...rest } as Of<typeof shape.AgreementEntry>
    },
    bodyOf: ({ resource, deployment, ...rest }, ref) => ({
      ...dated(rest),
      resourceId: resource === null ? null : ref('resources', nameOf(resource)),
      deploymentId: deployment === null ? null : ref('deployments', nameOf(deployment)),
    }),
  }),
  kind<Of<typeof NewExchangeRate>>({
    ...{ section: 'exchangeRates', word: 'exchangeRates', called: 'exchange rate', created: NewExchangeRate },
    operations: { create: 'exchangeRates.put', change: 'exchangeRates.put' },
    identity: ({ base, quote, day }) => [base, quote, day],
    title: ({ base, quote, day }) => `${base}/${quote} on ${day}`,
    entryOf: (thing) => without(thing, 'id', 'createdAt') as Of<typeof NewExchangeRate>,
    bodyOf: (entry) => ({ ...entry }),
  }),
]

function dated(it: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...it, effectiveFrom: instant(it['effectiveFrom']), effectiveTo: instant(it['effectiveTo']) }
}

const peopleKinds: readonly Kind[] = [
  kind<Of<typeof shape.AlertChannelEntry>>({
    ...{
      section: 'alertChannels',
      word: 'alertChannels',
      called: 'alert channel',
      created: NewAlertChannel,
      ...plainParts,
    },
    entryOf: (thing, known) => {
      const budgets = thing['budgetIds'] as string[] | null
      const entries = budgets?.map((id) => known(id)?.entry)
      if (entries?.some((it) => it === undefined)) return null
      return {
        ...without(thing, 'id', 'createdAt', 'teamIds', 'budgetIds', 'mutedUntil'),
        teams: namesOf(thing['teamIds'], known),
        budgets: ordered(entries?.map((it) => ({ owner: it?.['owner'], name: it?.['name'] })) ?? null),
      } as Of<typeof shape.AlertChannelEntry>
    },
    bodyOf: ({ teams, budgets, ...rest }, ref) => ({
      ...rest,
      teamIds: teams?.toSorted().map((name) => ref('teams', nameOf(name))) ?? null,
      budgetIds: ordered(budgets)?.map(({ owner, name }) => ref('budgets', nameOf(owner, name))) ?? null,
    }),
  }),
  kind<Of<typeof shape.RoleMappingEntry>>({
    ...{ section: 'roleMappings', word: 'roleMappings', called: 'role mapping', created: NewRoleMapping },
    identity: ({ claim, value, role, teams }) => [claim, value, role, teams?.toSorted() ?? null],
    title: ({ claim, value, role }) => `${claim} ${value} as ${role}`,
    entryOf: (thing, known) => {
      const { claim, value, role } = thing as Of<typeof shape.RoleMappingEntry>
      return { claim, value, role, teams: namesOf(thing['teamIds'], known) }
    },
    bodyOf: ({ teams, ...rest }, ref) => ({
      ...rest,
      teamIds: teams?.toSorted().map((name) => ref('teams', nameOf(name))) ?? null,
    }),
  }),
]

/** All kinds; each refers to earlier ones alone. */
export const kinds: readonly Kind[] = [
  ...upstreamKinds,
  ...ownerKinds,
  routeKind,
  ...ruleKinds,
  ...moneyKinds,
  ...peopleKinds,
  settingKind,
]
