/** Which claims a call makes follows from the tree, and from nothing else. */
import { describe, expect, test } from 'vitest'
import { limitFaults, openLimitTree } from './claim.ts'
import type { LimitRule } from './limit.ts'
import { KeyRecord } from './proxy-key.ts'

const ulid = (n: number) => String(n).padStart(26, '0')
const [teamId, otherTeamId, appId, otherAppId] = [
  `team_${ulid(1)}`,
  `team_${ulid(2)}`,
  `app_${ulid(1)}`,
  `app_${ulid(2)}`,
]
const [userId, quotaId, otherQuotaId] = [`usr_${ulid(1)}`, `quo_${ulid(1)}`, `quo_${ulid(2)}`]
const createdAt = '2026-01-01T00:00:00Z'

const key = KeyRecord.parse({
  id: `key_${ulid(1)}`,
  ...{ name: 'nightly', teamId, appId, userId, state: 'active', allowedModels: null },
  ...{ requestsPerMinute: null, tokensPerMinute: null, digest: 'a'.repeat(64), expiresAtMs: null },
})

let counter = 100
function rule(ownerId: string, changes: Partial<LimitRule> = {}): LimitRule {
  return {
    ...{ id: `lim_${ulid(counter++)}`, teamId, ownerId, parentId: null, quotaId: null, model: null },
    ...{
      measure: 'tokens_per_minute',
      amount: null,
      share: null,
      guarantee: null,
      borrows: false,
      onOutage: 'local',
    },
    ...changes,
  }
}

function open(limits: LimitRule[]) {
  return openLimitTree(documentOf(limits))
}

function documentOf(limits: LimitRule[]) {
  const quota = { resourceId: `res_${ulid(1)}`, requestsPerMinute: null, tokensPerMinute: 240_000, createdAt }
  return {
    limits,
    quotas: [
      { ...quota, id: quotaId, name: 'gpt-4o' },
      { ...quota, id: otherQuotaId, name: 'small', tokensPerMinute: 1000 },
    ],
    resources: [{ id: `res_${ulid(1)}`, name: 'aoai-swe' }],
    teams: [
      { id: teamId, name: 'Search' },
      { id: otherTeamId, name: 'Ads' },
    ],
    apps: [
      { id: appId, name: 'search-api' },
      { id: otherAppId, name: 'search-batch' },
    ],
  }
}

/** A team with half of the quota, an app with 60 % of that, a user with a tenth of the app's. */
function chain() {
  const team = rule(teamId, { parentId: quotaId, quotaId, share: 0.5 })
  const app = rule(appId, { parentId: team.id, quotaId, share: 0.6 })
  const user = rule(userId, { parentId: app.id, quotaId, share: 0.1 })
  return { team, app, user, all: [user, app, team] }
}

describe('the claims of a call', () => {
  test('are those of every level of its tree, narrowest first, down from the quota', () => {
    const claims = open(chain().all).claims(key, 'gpt-4o', quotaId)
    expect(claims.map((it) => [it.scope.kind, it.scope.name, it.limit, it.kind])).toEqual([
      ['user', userId, 7_200, 'bucket'],
      ['app', 'search-api', 72_000, 'bucket'],
      ['team', 'Search', 120_000, 'bucket'],
      ['resource', 'aoai-swe/gpt-4o', 240_000, 'window'],
    ])
  })

  test('leave out the tree of a quota that the call does not draw on', () => {
    const tree = open(chain().all)
    expect(tree.claims(key, 'gpt-4o', null)).toEqual([])
    expect(tree.claims(key, 'gpt-4o', otherQuotaId).map((it) => it.limit)).toEqual([1000])
  })

  test('of a user in one app are not made when the user calls through another', () => {
    const claims = open(chain().all).claims({ ...key, appId: otherAppId }, 'gpt-4o', quotaId)
    expect(claims.map((it) => it.scope.kind)).toEqual(['team', 'resource'])
  })

  test('never reach into another team', () => {
    const claims = open(chain().all).claims(
      { ...key, teamId: otherTeamId, appId: otherAppId, userId: null },
      'gpt-4o',
      quotaId,
    )
    expect(claims.map((it) => it.scope.kind)).toEqual(['resource'])
  })

  test('of a limit for one model are made by calls for that model alone', () => {
    const tree = open([rule(teamId, { amount: 5, model: 'gpt-4o' })])
    expect(tree.claims(key, 'gpt-4o', null)).toHaveLength(1)
    expect(tree.claims(key, 'gpt-4o-mini', null)).toHaveLength(0)
  })

  test('share the hash tag of the team, and a quota has its own', () => {
    const limited = { ...key, requestsPerMinute: 60, tokensPerMinute: 0 }
    const claims = open(chain().all).claims(limited, 'gpt-4o', quotaId)
    const tags = claims.map((it) => it.bucket.slice(0, it.bucket.indexOf('}') + 1))
    expect(tags).toEqual([...Array(5).fill(`{${teamId}}`), `{${quotaId}}`])
    expect(new Set(claims.map((it) => it.bucket)).size).toBe(claims.length)
  })

  test('come from the key itself too: a figure that is not set makes none, one of zero does', () => {
    const tree = open([])
    const claims = tree.claims({ ...key, requestsPerMinute: 0 }, 'gpt-4o', null)
    expect(claims.map((it) => [it.unit, it.limit])).toEqual([['requests', 0]])
    expect(tree.claims(key, 'gpt-4o', null)).toEqual([])
  })

  test('hold a part of the team for a key that has a share of it', () => {
    const { team } = chain()
    const own = rule(key.id, { parentId: team.id, quotaId, share: 0.25 })
    const claims = open([team]).claims({ ...key, limits: [own] }, 'gpt-4o', quotaId)
    expect(claims.map((it) => [it.scope.name, it.limit])).toEqual([
      ['nightly', 30_000],
      ['Search', 120_000],
      ['aoai-swe/gpt-4o', 240_000],
    ])
  })

  test('follow each measure: calls at once, tokens a day', () => {
    const claims = open([
      rule(teamId, { measure: 'concurrent_calls', amount: 8 }),
      rule(teamId, { measure: 'tokens_per_day', amount: 1_000_000 }),
    ]).claims(key, 'gpt-4o', null)
    expect(claims.map((it) => [it.kind, it.unit, it.windowMs])).toEqual([
      ['concurrent', 'calls', 0],
      ['window', 'tokens', 86_400_000],
    ])
  })

  test('are the same objects for every call, so that a call looks up and puts nothing together', () => {
    const tree = open(chain().all)
    expect(tree.claims(key, 'gpt-4o', quotaId)).toBe(tree.claims(key, 'gpt-4o', quotaId))
  })
})

describe('guarantees', () => {
  const mine = rule(teamId, { parentId: quotaId, quotaId, share: 0.8, guarantee: 0.3 })
  const theirs = rule(otherTeamId, {
    parentId: quotaId,
    quotaId,
    share: 0.8,
    guarantee: 0.1,
    teamId: otherTeamId,
  })

  test('are a pool of their own, with what is left for all behind it', () => {
    const claims = open([mine, theirs]).claims(key, 'gpt-4o', quotaId)
    expect(claims.at(-1)).toMatchObject({
      bucket: `{${quotaId}}:tokens:${mine.id}`,
      limit: 72_000,
      instead: { bucket: `{${quotaId}}:tokens:common`, limit: 144_000 },
    })
  })

  test('keep whoever has none to the pool of all', () => {
    const stranger = { ...key, teamId: `team_${ulid(9)}`, appId: `app_${ulid(9)}`, userId: null }
    const claims = open([mine, theirs]).claims(stranger, 'gpt-4o', quotaId)
    expect(claims.at(-1)).toMatchObject({
      bucket: `{${quotaId}}:tokens:common`,
      limit: 144_000,
      instead: null,
    })
  })

  test('of a key that the catalog does not hold yet are no pool yet, however often the key calls', () => {
    const early = rule(key.id, { parentId: quotaId, quotaId, share: 0.5, guarantee: 0.4 })
    const tree = open([mine])
    const before = tree.claims(key, 'gpt-4o', quotaId).at(-1)
    for (const alias of ['a', 'b', 'c']) tree.claims({ ...key, limits: [early] }, alias, quotaId)
    expect(tree.claims({ ...key }, 'gpt-4o', quotaId).at(-1)).toEqual(before)
  })

  test('may not come to more than the whole', () => {
    const greedy = { ...mine, guarantee: 0.95 }
    expect(limitFaults(documentOf([greedy, theirs])).map((it) => it.message)).toEqual([
      `guarantees on ${quotaId} come to 105 %, more than the whole`,
    ])
    expect(limitFaults(documentOf([mine, theirs]))).toEqual([])
  })
})

describe('borrowing', () => {
  test('takes nothing of its own once that is used up; an explicit zero still denies', () => {
    const { team } = chain()
    const borrower = rule(appId, { parentId: team.id, quotaId, share: 0.1, borrows: true })
    const denied = rule(appId, { parentId: team.id, quotaId, amount: 0, borrows: true })
    const of = (limit: LimitRule) => open([limit, team]).claims(key, 'gpt-4o', quotaId)[0]
    expect(of(borrower)?.instead).toBe('nothing')
    expect(of(denied)).toMatchObject({ limit: 0, instead: null })
  })
})

describe('a tree that cannot stand', () => {
  test('is named: a parent that is missing, of another measure, or a figure the quota has not', () => {
    const { team } = chain()
    const faults = limitFaults(
      documentOf([
        team,
        rule(appId, { parentId: `lim_${ulid(999)}`, share: 0.5 }),
        rule(appId, { parentId: team.id, measure: 'concurrent_calls', share: 0.5 }),
        rule(teamId, { parentId: quotaId, measure: 'requests_per_minute', share: 0.5 }),
      ]),
    )
    expect(faults.map((it) => it.message)).toEqual([
      'the limit is a part of something that is not there',
      'the limit counts concurrent_calls and is a part of one that counts tokens_per_minute',
      'the limit is a part of quota "gpt-4o", which has no requests_per_minute',
    ])
  })

  test('denies when it is opened all the same, and never ends in a circle', () => {
    const [a, b] = [rule(teamId, { share: 0.5 }), rule(appId, { share: 0.5 })]
    const circle = [
      { ...a, parentId: b.id },
      { ...b, parentId: a.id },
    ]
    for (const claim of open(circle).claims(key, 'gpt-4o', null)) expect(claim.limit).toBe(0)
  })
})
