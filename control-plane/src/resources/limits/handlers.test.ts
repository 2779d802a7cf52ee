/** Limits as admins make them: a tree that always stands, and gateways that hear of every change. */
import type { NewLimit } from '@headgate/domain/limit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

/** A team with an app, a user and a key, and a quota of 240 000 tokens a minute. */
async function setUp(name: string) {
  const { client } = it
  const team = await client.teams.create({ body: { name } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const user = await client.users.create({ body: { teamId: team.id, name: 'Ada', email: null } })
  const key = await client.keys.create({ body: { name: 'key', appId: app.id, userId: user.id } })
  const resource = await client.resources.create({
    body: {
      ...{ name: `res-${name}`, apiStyle: 'openai', origin: 'https://api.openai.com' },
      secretRef: 'env://OPENAI_API_KEY' as never,
    },
  })
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name: 'main', requestsPerMinute: null, tokensPerMinute: 240_000 },
  })
  return { team, app, user, key, quota }
}

const create = (body: z.input<typeof NewLimit>) => it.client.limits.create({ body })
const measure = 'tokens_per_minute' as const
const document = async () => (await it.ports.catalogFeed.newerThan(0)) ?? { limits: [] }

/** The first fault of a refusal. */
async function faultOf(refused: Promise<unknown>) {
  const fault = await refused.then(
    () => null,
    (thrown) => thrown,
  )
  return { status: fault?.status, pointer: fault?.faults[0]?.pointer, code: fault?.faults[0]?.code }
}

describe('a tree of limits', () => {
  test('keeps its root: a quota does not lose the figure that a limit of a key is a part of', async () => {
    const { key, quota } = await setUp('rooted')
    const limit = await create({ ownerId: key.id, parentId: quota.id, measure, share: 0.1 })
    const params = { quotaId: quota.id }
    const lost = it.client.quotas.change({ params, body: { tokensPerMinute: null, requestsPerMinute: 5 } })
    await expect(lost).rejects.toMatchObject({ status: 409, code: 'catalog_conflict' })
    await expect(lost).rejects.toThrow(key.id)
    expect(await it.client.quotas.read({ params })).toEqual(quota)
    await it.client.limits.remove({ params: { limitId: limit.id } })
    await it.client.quotas.change({ params, body: { tokensPerMinute: null, requestsPerMinute: 5 } })
  })

  test('grows from the quota down: team, app, user, key; each has measure and quota from above', async () => {
    const { team, app, user, key, quota } = await setUp('grows')
    const ofTeam = await create({ ownerId: team.id, parentId: quota.id, measure, share: 0.5 })
    const ofApp = await create({ ownerId: app.id, parentId: ofTeam.id, share: 0.6 })
    const ofUser = await create({ ownerId: user.id, parentId: ofApp.id, share: 0.1, borrows: true })
    const ofKey = await create({ ownerId: key.id, parentId: ofUser.id, amount: 500 })
    for (const limit of [ofTeam, ofApp, ofUser, ofKey])
      expect(limit).toMatchObject({ teamId: team.id, quotaId: quota.id, measure, model: null })
    expect(await it.client.limits.read({ params: { limitId: ofUser.id } })).toEqual(ofUser)
    const listed = await it.client.limits.list({ query: { teamId: team.id, quotaId: quota.id } })
    expect(listed.data).toEqual([ofKey, ofUser, ofApp, ofTeam])
    const published = (await document()).limits.map((limit) => limit.id)
    expect(published).toEqual(expect.arrayContaining([ofTeam.id, ofApp.id, ofUser.id]))
    expect(published).not.toContain(ofKey.id)
    const digest = it.ports.digestKey(key.secret)
    expect((await it.ports.keyPublisher.find(digest))?.limits.map((limit) => limit.id)).toEqual([ofKey.id])
  })

  test('is changed in one figure at a time, and the change is live with the next catalog', async () => {
    const { team, quota } = await setUp('changes')
    const limit = await create({ ownerId: team.id, parentId: quota.id, measure, share: 0.5 })
    const params = { limitId: limit.id }
    const change = (body: object) => it.client.limits.change({ params, body })
    expect(await change({ amount: 70 })).toEqual({ ...limit, amount: 70, share: null })
    expect(await change({ guarantee: 0.25 })).toMatchObject({ amount: 70, guarantee: 0.25 })
    expect(limit.onOutage).toBe('local')
    expect(await change({ onOutage: 'closed' })).toMatchObject({ amount: 70, onOutage: 'closed' })
    expect(await change({ share: 0.2, borrows: true })).toMatchObject({
      amount: null,
      share: 0.2,
      borrows: true,
    })
    expect((await document()).limits.find((it) => it.id === limit.id)).toMatchObject({ share: 0.2 })
    expect(await faultOf(change({ share: null }))).toMatchObject({ pointer: '/amount', code: 'one_of_two' })
  })

  test('a limit that others are a part of stays; its leaves go first, and a removed one is gone everywhere', async () => {
    const { team, key, quota } = await setUp('removes')
    const ofTeam = await create({ ownerId: team.id, parentId: quota.id, measure, share: 0.5 })
    const ofKey = await create({ ownerId: key.id, parentId: ofTeam.id, share: 0.5 })
    const remove = (limitId: string) => it.client.limits.remove({ params: { limitId } })
    expect(await faultOf(remove(ofTeam.id))).toMatchObject({ status: 409, code: 'in_use' })
    expect(await remove(ofKey.id)).toEqual(ofKey)
    expect((await it.ports.keyPublisher.find(it.ports.digestKey(key.secret)))?.limits).toEqual([])
    await remove(ofTeam.id)
    expect((await document()).limits.map((it) => it.id)).not.toContain(ofTeam.id)
    expect(await faultOf(remove(ofTeam.id))).toMatchObject({ status: 404 })
  })
})

describe('shares and guarantees', () => {
  test('shares above the whole are refused by oversight and allowed on purpose', async () => {
    const [a, b] = [await setUp('share-a'), await setUp('share-b')]
    const parentId = a.quota.id
    await create({ ownerId: a.team.id, parentId, measure, share: 0.7 })
    const second = { ownerId: b.team.id, parentId, measure, share: 0.4 }
    expect(await faultOf(create(second))).toEqual({ status: 409, pointer: '/share', code: 'oversubscribed' })
    const made = await create({ ...second, allowOversubscription: true })
    expect(made.share).toBe(0.4)
    const change = (body: object) => it.client.limits.change({ params: { limitId: made.id }, body })
    expect(await faultOf(change({ share: 0.31 }))).toMatchObject({ code: 'oversubscribed' })
    expect((await change({ share: 0.3 })).share).toBe(0.3)
  })

  test('guarantees above the whole are never allowed', async () => {
    const [a, b] = [await setUp('guarantee-a'), await setUp('guarantee-b')]
    const parentId = a.quota.id
    await create({ ownerId: a.team.id, parentId, measure, share: 0.5, guarantee: 0.6 })
    const second = { ownerId: b.team.id, parentId, measure, share: 0.5, guarantee: 0.41 }
    expect(await faultOf(create(second))).toMatchObject({ status: 409, code: 'limit_conflict' })
    expect((await create({ ...second, guarantee: 0.4 })).guarantee).toBe(0.4)
  })
})

describe('a limit that cannot stand is refused by its field', () => {
  test.each([
    [
      'an owner that is not there',
      '/owner_id',
      'unknown_reference',
      { ownerId: `app_${'0'.repeat(26)}`, amount: 5 },
    ],
    [
      'a quota that is not there',
      '/parent_id',
      'unknown_reference',
      { parentId: `quo_${'0'.repeat(26)}`, share: 0.5 },
    ],
    ['no measure', '/measure', 'missing', { amount: 5, measure: undefined }],
  ])('%s', async (name, pointer, code, fields) => {
    const { team } = await setUp(`cannot ${name}`.replaceAll(' ', '-'))
    expect(await faultOf(create({ ownerId: team.id, measure, ...fields }))).toMatchObject({ pointer, code })
  })

  test('a figure the quota does not have, or another measure than the parent counts', async () => {
    const { team, app, quota } = await setUp('measures')
    const requests = {
      ownerId: team.id,
      parentId: quota.id,
      measure: 'requests_per_minute',
      share: 0.5,
    } as const
    expect(await faultOf(create(requests))).toMatchObject({ pointer: '/measure', code: 'not_in_parent' })
    const parent = await create({
      ownerId: team.id,
      parentId: quota.id,
      measure,
      share: 0.5,
      model: 'gpt-4o',
    })
    const child = { ownerId: app.id, parentId: parent.id, share: 0.5 }
    expect(await faultOf(create({ ...child, measure: 'concurrent_calls' }))).toMatchObject({
      pointer: '/measure',
    })
    expect(await faultOf(create({ ...child, model: 'gpt-4o-mini' }))).toMatchObject({ pointer: '/model' })
    expect((await create(child)).model).toBe('gpt-4o')
  })

  test('a parent of another team looks as if it were not there; one below or beside is no parent', async () => {
    const [mine, other] = [await setUp('parents-mine'), await setUp('parents-other')]
    const theirs = await create({ ownerId: other.team.id, parentId: other.quota.id, measure, share: 0.5 })
    const below = { ownerId: mine.app.id, parentId: theirs.id, share: 0.5 }
    expect(await faultOf(create(below))).toMatchObject({ pointer: '/parent_id', code: 'unknown_reference' })
    const ofApp = await create({ ownerId: mine.app.id, measure, amount: 50 })
    const upward = { ownerId: mine.team.id, parentId: ofApp.id, share: 0.5 }
    expect(await faultOf(create(upward))).toMatchObject({ pointer: '/parent_id', code: 'not_a_parent' })
    expect(await faultOf(create({ ...upward, ownerId: mine.app.id }))).toMatchObject({ code: 'not_a_parent' })
  })

  test('one owner has one figure for one thing', async () => {
    const { team } = await setUp('once')
    await create({ ownerId: team.id, measure, amount: 5 })
    expect(await faultOf(create({ ownerId: team.id, measure, amount: 6 }))).toEqual({
      ...{ status: 409, pointer: '/measure', code: 'taken' },
    })
  })

  test('rows written around the API cannot point to what is not there', async () => {
    const { team, quota } = await setUp('sql')
    const row = {
      ...{
        id: `lim_${'0'.repeat(26)}`,
        teamId: team.id,
        ownerId: team.id,
        parentId: quota.id,
        quotaId: quota.id,
      },
      ...{
        model: null,
        measure,
        amount: 5,
        share: null,
        guarantee: null,
        borrows: false,
        onOutage: 'local' as const,
      },
      createdAt: new Date().toISOString(),
    }
    const insert = (changes: object) =>
      it.db
        .insertInto('limits')
        .values({ ...row, ...changes })
        .execute()
    for (const changes of [
      { ownerId: `app_${'0'.repeat(26)}` },
      { parentId: `lim_${'1'.repeat(26)}` },
      { parentId: null, share: 0.5, amount: null },
      { amount: null },
      { share: 0.5 },
    ])
      await expect(insert(changes)).rejects.toThrow()
  })
})
