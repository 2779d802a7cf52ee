/** Secrets that are to be replaced every so many days: when that is due, who is told, and what happens to who does not. */
import { tellOnce } from '@headgate/control-plane/jobs/tell-rotations'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { digestKey, startTestPlane, systemClock, type TestPlane, until } from './harness.ts'

const DAY_MS = 86_400_000
let aheadMs = 0
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }

let it: TestPlane
let teamId: string
let otherTeamId: string
beforeAll(async () => {
  it = await startTestPlane({ ports: { clock }, environment: { HOOK: `whsec_${'a'.repeat(44)}` } })
  teamId = (await it.client.teams.create({ body: { name: 'Keys' } })).id
  otherTeamId = (await it.client.teams.create({ body: { name: 'Others' } })).id
})
afterAll(() => it.stop())
beforeEach(async () => {
  await it.db.deleteFrom('outboxEvents').execute()
})

let made = 0
async function newApp(rotationRule: object | null, team = teamId) {
  made += 1
  const body = { teamId: team, name: `app ${made}`, rotationRule }
  return it.client.apps.create({ body: body as never })
}
const newKey = (appId: string, more: object = {}) =>
  it.client.keys.create({ body: { appId, name: `key ${made}`, ...more } })
const read = (keyId: string) => it.client.keys.read({ params: { keyId } })
const after = (days: number, instant: string) => new Date(Date.parse(instant) + days * DAY_MS).toISOString()
const directory = (secret: string) => it.ports.keyPublisher.find(digestKey(secret))
const told = async () => {
  await tellOnce({ db: it.db, clock })
  const events = await it.db.selectFrom('outboxEvents').select(['type', 'data']).orderBy('number').execute()
  return events.map(({ type, data }) => [type, (data as { keyId: string }).keyId])
}

test('a key has the rule of its app, or its own before it, and says when its rotation is due', async () => {
  const app = await newApp({ everyDays: 90 })
  expect(app.rotationRule).toEqual({ everyDays: 90, withinDays: 14, whenOverdue: 'tell' })
  const { secret: _, ...key } = await newKey(app.id)
  expect(key).toMatchObject({
    ...{ rotationRule: null, secretExpiresAt: null },
    rotationDueAt: after(90, key.createdAt),
    rotationOverdueAt: after(104, key.createdAt),
  })
  const own = { everyDays: 30, withinDays: 2, whenOverdue: 'block' } as const
  const changed = await it.client.keys.change({ params: { keyId: key.id }, body: { rotationRule: own } })
  expect(changed).toMatchObject({
    ...{ rotationRule: own, rotationDueAt: after(30, key.createdAt) },
    secretExpiresAt: after(32, key.createdAt),
  })
  const listed = await it.client.keys.list({
    query: { appId: app.id, sort: 'rotation_due_at', rotationDueBefore: after(31, key.createdAt) },
  })
  expect(listed.data).toEqual([changed])
  const before = { appId: app.id, rotationDueBefore: after(29, key.createdAt) }
  expect((await it.client.keys.list({ query: before })).data).toEqual([])
  await it.client.keys.change({ params: { keyId: key.id }, body: { rotationRule: null } })
  expect(await read(key.id)).toEqual(key)
  const free = await newApp(null)
  const moved = await it.client.keys.change({ params: { keyId: key.id }, body: { appId: free.id } })
  expect(moved.rotationDueAt).toBeNull()
  for (const wrong of [
    { everyDays: 0 },
    { everyDays: 30, withinDays: 0 },
    { everyDays: 30, whenOverdue: 'x' },
  ])
    await expect(newApp(wrong)).rejects.toMatchObject({ status: 400 })
})

test('a rotation sets the date anew, and leaves limits, budgets and records with the key', async () => {
  const app = await newApp({ everyDays: 10, withinDays: 3, whenOverdue: 'block' })
  const key = await newKey(app.id)
  const limit = await it.client.limits.create({
    body: { ownerId: key.id, measure: 'tokens_per_minute', amount: 1_000 },
  })
  aheadMs += 11 * DAY_MS
  const rotated = await it.client.keyRotations.create({
    params: { keyId: key.id },
    body: { graceMinutes: 60 },
  })
  const now = await read(key.id)
  expect(now).toMatchObject({
    rotationDueAt: after(10, rotated.startsAt),
    secretExpiresAt: after(13, rotated.startsAt),
  })
  const [old, fresh] = [await directory(key.secret), await directory(rotated.secret)]
  expect(old).toMatchObject({ id: key.id, expiresAtMs: Date.parse(rotated.endsAt) })
  expect(fresh).toMatchObject({ id: key.id, expiresAtMs: Date.parse(now.secretExpiresAt!) })
  expect(fresh?.limits.map((one) => one.id)).toEqual([limit.id])
  expect(old?.limits).toEqual(fresh?.limits)
})

test('what is due is told once, what is overdue once more, and neither of keys that nobody uses', async () => {
  const app = await newApp({ everyDays: 5, withinDays: 2 })
  const [key, disabled, revoked, scheduled, rotated] = [
    ...[await newKey(app.id), await newKey(app.id), await newKey(app.id), await newKey(app.id)],
    await newKey(app.id),
  ]
  const change = (keyId: string, state: 'disabled' | 'active') =>
    it.client.keys.change({ params: { keyId }, body: { state } })
  await change(disabled!.id, 'disabled')
  await it.client.keys.revoke({ params: { keyId: revoked!.id } })
  expect((await read(revoked!.id)).rotationDueAt).toBeNull()
  const startsAt = after(6, scheduled!.createdAt)
  await it.client.keyRotations.create({ params: { keyId: scheduled!.id }, body: { startsAt } })
  expect(await told()).toEqual([])
  aheadMs += 5.5 * DAY_MS
  await it.client.keyRotations.create({ params: { keyId: rotated!.id }, body: {} })
  const due = ['key-rotation.due', key!.id]
  expect(await told()).toEqual([due])
  expect(await told()).toEqual([due])
  await change(disabled!.id, 'active')
  const late = ['key-rotation.due', disabled!.id]
  expect(await told()).toEqual([due, late])
  aheadMs += 2 * DAY_MS
  const overdue = await told()
  expect(overdue.slice(2).toSorted()).toEqual(
    [key!.id, disabled!.id].map((id) => ['key-rotation.overdue', id]).toSorted(),
  )
  expect(await told()).toEqual(overdue)
  // A new secret is told of anew.
  await it.client.keyRotations.create({ params: { keyId: key!.id }, body: { graceMinutes: 0 } })
  aheadMs += 5.5 * DAY_MS
  expect((await told()).filter(([, id]) => id === key!.id)).toHaveLength(3)
})

test('a rule that blocks gives every key its time from now on, whatever the age of its secret, and gateways hear of it', async () => {
  const app = await newApp(null)
  const key = await newKey(app.id)
  aheadMs += 400 * DAY_MS
  const nowMs = clock.nowMs()
  const rule = { everyDays: 30, withinDays: 7, whenOverdue: 'block' } as const
  await it.client.apps.change({ params: { appId: app.id }, body: { rotationRule: rule } })
  const { rotationDueAt, secretExpiresAt } = await read(key.id)
  expect(Date.parse(rotationDueAt!)).toBeLessThan(nowMs)
  expect(Date.parse(secretExpiresAt!)).toBeGreaterThanOrEqual(nowMs + 7 * DAY_MS)
  const expiresAtMs = Date.parse(secretExpiresAt!)
  await until(async () => (await directory(key.secret))?.expiresAtMs === expiresAtMs, 'the directory')
  // Its own expiry goes before, where that is sooner.
  const sooner = new Date(nowMs + DAY_MS).toISOString()
  await it.client.keys.change({ params: { keyId: key.id }, body: { expiresAt: sooner } })
  expect(await directory(key.secret)).toMatchObject({ expiresAtMs: Date.parse(sooner) })
  await it.client.apps.change({ params: { appId: app.id }, body: { rotationRule: null } })
  expect(await read(key.id)).toMatchObject({ rotationDueAt: null, secretExpiresAt: null })
})

test('a channel is told of rotations of its teams, unless it listens to other events or to budgets alone', async () => {
  const { client } = it
  const channel = (name: string, more: object) => {
    const body = {
      name,
      kind: 'webhook',
      url: 'https://alerts.example.com/',
      secretRef: 'env://HOOK',
      ...more,
    }
    return client.alertChannels.create({ body: body as never })
  }
  const mine = await channel('mine', { teamIds: [teamId], eventTypes: ['key-rotation.due'] })
  await channel('money', { eventTypes: ['budget.reached', 'budget.forecast'] })
  await channel('others', { teamIds: [otherTeamId] })
  const app = await newApp({ everyDays: 1 })
  const key = await newKey(app.id)
  aheadMs += 1.5 * DAY_MS
  await told()
  const sent = async () => (await client.alertDeliveries.list({ query: {} })).data
  await until(async () => (await sent()).length > 0, 'a delivery')
  const [first, ...more] = await sent()
  expect(first).toMatchObject({ channelId: mine.id, eventType: 'key-rotation.due' })
  expect(more.every((one) => one.channelId === mine.id)).toBe(true)
  const data = await it.db
    .selectFrom('outboxEvents')
    .select('data')
    .where('id', '=', first!.eventId)
    .execute()
  expect(JSON.stringify(data)).not.toContain(key.secret)
  await expect(channel('tests', { eventTypes: ['alert.test'] })).rejects.toMatchObject({ status: 400 })
})
