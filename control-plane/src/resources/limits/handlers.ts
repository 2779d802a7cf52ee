/** What the admin API does with limits. Every figure is judged against its parent and its siblings. */
import type { limits } from '@headgate/admin-contract/limits'
import type { Change, Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { type Limit, millionths, type NewLimit } from '@headgate/domain/limit'
import { markKeyUnpublished, type Owner, readOwner } from '../../database/owner.ts'
import { created, fieldFault, found, type HandlerContext, refuseForOwnTeam } from '../context.ts'
import {
  deleteLimit,
  hasChildren,
  insertLimit,
  listLimits,
  readLimit,
  sharesOf,
  updateLimit,
} from './queries.ts'
import { replayLimit } from './replay.ts'
import { readLiveTree } from './tree.ts'

export const limitsHandlers: Handlers<typeof limits, HandlerContext> = {
  list: ({ query }, { db }) => listLimits(db, query),
  read: async ({ params }, { db }) => found(await readLimit(db, params.limitId)),
  tree: ({ query }, context) => readLiveTree(query, context),
  replay: async ({ params, query }, context) => {
    const limit = found(await readLimit(context.db, params.limitId))
    if (query.share !== undefined && limit.parentId === null) {
      throw fieldFault('?share', {
        code: 'without_parent',
        message: 'this limit is a part of nothing',
        fix: 'Send an amount.',
      })
    }
    return replayLimit(limit, query, context)
  },
  create: async ({ body }, context) => {
    const { ownerId, parentId, amount, share, guarantee, borrows, onOutage } = body
    refuseForOwnTeam(context, ownerId)
    refuseQuotaForTeams(context, parentId)
    const place = await placeOf(body, context)
    const limit = { id: context.newId('lim'), ownerId, parentId, ...place }
    const whole = { ...limit, amount, share, guarantee, borrows, onOutage, createdAt: context.now }
    await refuseOversubscription(whole, body.allowOversubscription, context)
    return told(context, ownerId, created(await insertLimit(context.db, whole)))
  },
  change: async ({ params, body }, context) => {
    const before = found(await readLimit(context.db, params.limitId))
    refuseAbove(context, before)
    const { allowOversubscription, ...figures } = body
    const changed = { ...before, ...oneOf(figures), ...defined(figures) }
    refuseLooseFigures(changed)
    await refuseOversubscription(changed, allowOversubscription, context)
    const { amount, share, guarantee, borrows, onOutage } = changed
    const after = await updateLimit(context.db, before.id, { amount, share, guarantee, borrows, onOutage })
    return told(context, after.ownerId, { changed: true, reply: after, subjectId: after.id, before, after })
  },
  remove: async ({ params }, context) => {
    const before = found(await readLimit(context.db, params.limitId))
    refuseAbove(context, before)
    if (await hasChildren(context.db, before.id)) {
      throw new AdminProblem('conflict', 'Nothing was changed: other limits are a part of this one.', {
        faults: [
          {
            ...{ pointer: '', code: 'in_use', message: 'other limits are a part of it' },
            fix: 'Remove those first, or change the amount of this one.',
          },
        ],
      })
    }
    await deleteLimit(context.db, before.id)
    const change = { changed: true, reply: before, subjectId: before.id, before, after: null } as const
    return told(context, before.ownerId, change)
  },
}

/** Limits of the team itself and shares of quotas take from other teams, so they are not for whoever has one team. */
function refuseAbove(context: HandlerContext, limit: Limit): void {
  refuseForOwnTeam(context, limit.ownerId)
  refuseQuotaForTeams(context, limit.parentId)
}

function refuseQuotaForTeams({ teamIds }: HandlerContext, parentId: string | null): void {
  if (teamIds === null || !parentId?.startsWith('quo_')) return
  throw new AdminProblem('forbidden', 'What is taken from a quota is decided for the whole organisation.', {
    faults: [
      {
        pointer: '/parent_id',
        ...{ code: 'for_organisation', message: 'your role is for single teams' },
        fix: 'Send a limit of the team as the parent, or null.',
      },
    ],
  })
}

/** A key carries its own limits, so the gateways must hear of the key. */
async function told<T>(context: HandlerContext, ownerId: string, change: Change<T>): Promise<Change<T>> {
  if (ownerId.startsWith('key_')) {
    await markKeyUnpublished(context.db, ownerId)
    context.keyChanged(ownerId)
  }
  return change
}

type Place = Pick<Limit, 'teamId' | 'quotaId' | 'model' | 'measure'>

/** Where in the tree a new limit stands: what it does not say itself, it has from its parent. */
async function placeOf(body: NewLimit, context: HandlerContext): Promise<Place> {
  const owner = await readOwner(context.db, body.ownerId)
  if (owner === undefined) throw unknown('/owner_id', 'team, app, user or key')
  const { parentId, measure, model = null } = body
  if (parentId?.startsWith('lim_')) return placeBelow(await readLimit(context.db, parentId), body, owner)
  if (measure === undefined) {
    throw fieldFault('/measure', {
      code: 'missing',
      message: 'only a part of another limit has its measure from there',
      fix: 'Send requests_per_minute, tokens_per_minute, concurrent_calls or tokens_per_day.',
    })
  }
  if (parentId === null) return { teamId: owner.teamId, quotaId: null, model, measure }
  const quota = await context.db
    .selectFrom('quotas')
    .selectAll()
    .where('id', '=', parentId)
    .executeTakeFirst()
  if (quota === undefined) throw unknown('/parent_id', 'quota')
  const figures = { requests_per_minute: quota.requestsPerMinute, tokens_per_minute: quota.tokensPerMinute }
  const figure =
    measure === 'requests_per_minute' || measure === 'tokens_per_minute' ? figures[measure] : null
  if (figure === null) {
    throw fieldFault('/measure', {
      code: 'not_in_parent',
      message: `quota "${quota.name}" has no ${measure}`,
      fix: 'Set that figure at the quota, choose a measure it has, or send an amount without a parent.',
    })
  }
  return { teamId: owner.teamId, quotaId: quota.id, model, measure }
}

function placeBelow(parent: Limit | undefined, body: NewLimit, owner: Owner): Place {
  if (parent === undefined || parent.teamId !== owner.teamId) throw unknown('/parent_id', 'limit of its team')
  if (!isAbove(parent.ownerId, body.ownerId, owner)) {
    throw fieldFault('/parent_id', {
      code: 'not_a_parent',
      message: 'the owner of this limit does not belong to the owner of that one',
      fix: 'Take a limit of the team, of the app, or of the user the owner belongs to.',
    })
  }
  if (body.measure !== undefined && body.measure !== parent.measure) {
    throw fieldFault('/measure', {
      code: 'not_in_parent',
      message: `the parent counts ${parent.measure}`,
      fix: 'Leave the measure out, or take another parent.',
    })
  }
  const model = body.model ?? parent.model
  if (parent.model !== null && model !== parent.model) {
    throw fieldFault('/model', {
      code: 'not_in_parent',
      message: `the parent counts the model "${parent.model}" only`,
      fix: 'Leave the model out, or take another parent.',
    })
  }
  return { teamId: owner.teamId, quotaId: parent.quotaId, model, measure: parent.measure }
}

/** True when limits of one owner may be a part of limits of the other. */
function isAbove(parentOwnerId: string, ownerId: string, owner: Owner): boolean {
  if (parentOwnerId === ownerId) return false
  if (parentOwnerId.startsWith('team_')) return parentOwnerId === owner.teamId
  if (parentOwnerId.startsWith('app_')) return owner.appId === parentOwnerId || ownerId.startsWith('usr_')
  return owner.userId === parentOwnerId
}

type Figures = Partial<Pick<Limit, 'amount' | 'share' | 'guarantee' | 'borrows' | 'onOutage'>>

/** Whoever sets one of amount and share takes the other away. */
function oneOf({
  amount,
  share,
}: {
  amount?: number | null | undefined
  share?: number | null | undefined
}): Figures {
  if (amount !== undefined && amount !== null) return { share: null }
  return share !== undefined && share !== null ? { amount: null } : {}
}

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function refuseLooseFigures(limit: Limit): void {
  if ((limit.amount === null) === (limit.share === null)) {
    throw fieldFault('/amount', {
      code: 'one_of_two',
      message: 'a limit has either an amount or a share',
      fix: 'Send one of them; to lift the limit, remove it.',
    })
  }
  if (limit.parentId === null && (limit.share !== null || limit.guarantee !== null || limit.borrows)) {
    throw fieldFault(limit.share !== null ? '/share' : limit.borrows ? '/borrows' : '/guarantee', {
      code: 'without_parent',
      message: 'this limit is a part of nothing',
      fix: 'Send an amount, or make a new limit with a parent.',
    })
  }
}

/** Shares are caps, and may sum to more than the whole, but not by oversight. */
async function refuseOversubscription(limit: Limit, allowed: boolean, { db }: HandlerContext): Promise<void> {
  if (allowed || limit.share === null || limit.parentId === null) return
  const sum = (await sharesOf(db, limit)) + millionths(limit.share)
  if (sum <= 1_000_000) return
  throw new AdminProblem('conflict', `Nothing was changed: the shares would come to ${sum / 10_000} %.`, {
    faults: [
      {
        pointer: '/share',
        code: 'oversubscribed',
        message: `with this one, the shares of the parent come to ${sum / 10_000} %`,
        fix: 'Send a smaller share, or allow_oversubscription: true if the parent may be promised more than once.',
      },
    ],
  })
}

function unknown(pointer: '/owner_id' | '/parent_id', what: string): AdminProblem {
  return fieldFault(pointer, {
    code: 'unknown_reference',
    message: `there is no ${what} with this id`,
    fix: 'Send the id of one that exists.',
  })
}
