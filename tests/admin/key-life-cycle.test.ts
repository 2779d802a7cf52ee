/** A proxy key from its making to its removal: given to others, disabled, rotated now or later, revoked. */
import { memoryKeyDirectory } from '@headgate/adapters/memory/key-directory'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { digestKey, startTestPlane, systemClock, type TestPlane, until } from './harness.ts'
import { usageRecord } from './usage-record.ts'

const MINUTE_MS = 60_000
const aheadMs = { value: 0 }
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs.value }

let it: TestPlane
let owners: { teamId: string; appId: string; otherAppId: string; userId: string; foreignAppId: string }
beforeAll(async () => {
  it = await startTestPlane({ ports: { clock } })
  const { client } = it
  const team = await client.teams.create({ body: { name: 'Keys' } })
  const foreign = await client.teams.create({ body: { name: 'Foreign' } })
  const app = (teamId: string, name: string) => client.apps.create({ body: { teamId, name } })
  owners = {
    teamId: team.id,
    appId: (await app(team.id, 'one')).id,
    otherAppId: (await app(team.id, 'two')).id,
    userId: (await client.users.create({ body: { teamId: team.id, name: 'Ada' } })).id,
    foreignAppId: (await app(foreign.id, 'three')).id,
  }
})
afterAll(() => it.stop())

const newKey = (more: object = {}) =>
  it.client.keys.create({ body: { appId: owners.appId, name: 'k', ...more } })
const told = async (secret: string) => it.ports.keyPublisher.find(digestKey(secret))
const actions = async (subjectId: string) =>
  (await it.client.auditEvents.list({ query: { subjectId, result: 'done' } })).data.map(
    (event) => event.action,
  )

test('a key is given to another app and user, disabled, enabled and told to gateways each time', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const { secret, ...before } = key
  const change = (body: object) => it.client.keys.change({ params, body })
  const moved = await change({ appId: owners.otherAppId, userId: owners.userId, name: 'moved' })
  expect(moved).toEqual({ ...before, appId: owners.otherAppId, userId: owners.userId, name: 'moved' })
  expect(await told(secret)).toMatchObject({ appId: owners.otherAppId, userId: owners.userId, name: 'moved' })
  await change({ state: 'disabled', tokensPerMinute: 7, allowedModels: ['a'] })
  expect(await told(secret)).toMatchObject({ state: 'disabled', tokensPerMinute: 7, allowedModels: ['a'] })
  await change({ state: 'active', expiresAt: '2090-01-01T00:00:00Z' })
  expect(await told(secret)).toMatchObject({
    state: 'active',
    expiresAtMs: Date.parse('2090-01-01T00:00:00Z'),
  })
  await change({ state: 'active' })
  expect(await actions(key.id)).toEqual(['key.changed', 'key.changed', 'key.changed', 'key.created'])
})

test('a key stays in its team, and its expiry is in time to come', async () => {
  const key = await newKey()
  for (const [body, pointer, code] of [
    [{ app_id: owners.foreignAppId }, '/app_id', 'other_team'],
    [{ app_id: 'app_00000000000000000000000000' }, '/app_id', 'unknown_reference'],
    [{ user_id: 'usr_00000000000000000000000000' }, '/user_id', 'unknown_reference'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, '/expires_at', 'in_the_past'],
    [{ state: 'revoked' }, '/state', 'invalid_value'],
    [{ team_id: owners.teamId }, '/team_id', 'unknown_field'],
  ] as const) {
    const answer = await it.ask('PATCH', `/api/v1/keys/${key.id}`, { body })
    expect([answer.status, answer.json.errors[0]]).toMatchObject([400, { pointer, code }])
  }
  expect(await actions(key.id)).toEqual(['key.created'])
})

test('a key does not leave an app whose limits its own are shares of', async () => {
  const key = await newKey()
  const limits = it.client.limits
  const above = await limits.create({
    body: { ownerId: owners.appId, measure: 'requests_per_minute', amount: 10 },
  })
  const below = await limits.create({ body: { ownerId: key.id, parentId: above.id, share: 0.5 } })
  const move = () => it.client.keys.change({ params: { keyId: key.id }, body: { appId: owners.otherAppId } })
  await expect(move()).rejects.toMatchObject({ status: 400, faults: [{ code: 'has_limits_below' }] })
  await limits.remove({ params: { limitId: below.id } })
  expect((await move()).appId).toBe(owners.otherAppId)
})

test('a key whose end the gateways have not heard of is not removed: they would go on by what they know', async () => {
  const directory = memoryKeyDirectory()
  const away = { is: false }
  const put: typeof directory.put = (records) =>
    away.is ? Promise.reject(new Error('the directory is away')) : directory.put(records)
  const other = await startTestPlane({ ports: { keyPublisher: { ...directory, put } } })
  onTestFinished(() => other.stop())
  const { client } = other
  const team = await client.teams.create({ body: { name: 'Unheard' } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const { id: keyId } = await client.keys.create({ body: { appId: app.id, name: 'key' } })
  away.is = true
  await client.keys.revoke({ params: { keyId } })
  await expect(client.keys.remove({ params: { keyId } })).rejects.toMatchObject({
    ...{ status: 409, faults: [{ code: 'not_published' }] },
  })
  away.is = false
  await until(async () => (await client.keys.remove({ params: { keyId } }).catch(() => null)) !== null, 'it')
})

test('a revoked key stays as it is, and only it can be removed, once nothing refers to it', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const { keys, policies } = it.client
  await expect(keys.remove({ params })).rejects.toMatchObject({
    status: 409,
    faults: [{ code: 'not_revoked' }],
  })
  const policy = await policies.create({ body: { name: 'of the key', ownerId: key.id } })
  const revoked = await keys.revoke({ params })
  for (const work of [
    () => keys.change({ params, body: { state: 'active' } }),
    () => it.client.keyRotations.create({ params, body: {} }),
  ])
    await expect(work()).rejects.toMatchObject({ status: 409, faults: [{ code: 'revoked' }] })
  await expect(keys.remove({ params })).rejects.toMatchObject({ faults: [{ code: 'in_use' }] })
  await policies.remove({ params: { policyId: policy.id } })
  expect(await keys.remove({ params })).toEqual(revoked)
  await expect(keys.read({ params })).rejects.toMatchObject({ status: 404 })
  expect(await told(key.secret)).toMatchObject({ state: 'revoked' })
  expect((await it.client.archivedThings.read({ params: { thingId: key.id } })).kind).toBe('key')
})

test('in the grace of a rotation both secrets work as one key, and its end is told with the old one', async () => {
  const key = await newKey({ tokensPerMinute: 5 })
  const params = { keyId: key.id }
  const { secret, ...rotation } = await it.client.keyRotations.create({ params, body: { graceMinutes: 60 } })
  expect(secret).not.toBe(key.secret)
  expect(rotation).toMatchObject({
    ...{ keyId: key.id, state: 'grace', graceMinutes: 60 },
    ...{ oldSecret: { number: 1, stage: 'old' }, newSecret: { number: 2, stage: 'current', endsAt: null } },
  })
  expect(Date.parse(rotation.endsAt) - Date.parse(rotation.startsAt)).toBe(60 * MINUTE_MS)
  const untilMs = Date.parse(rotation.endsAt)
  const [old, now] = [await told(key.secret), await told(secret)]
  expect(old).toMatchObject({
    id: key.id,
    expiresAtMs: untilMs,
    rotation: { secretNumber: 1, isOld: true, untilMs },
  })
  expect(now).toMatchObject({
    id: key.id,
    expiresAtMs: null,
    rotation: { secretNumber: 2, isOld: false, untilMs },
  })
  expect({ ...old, digest: 0, expiresAtMs: 0, rotation: 0 }).toEqual({
    ...now,
    digest: 0,
    expiresAtMs: 0,
    rotation: 0,
  })
  expect(await it.client.keyRotations.read({ params })).toEqual(rotation)
  expect((await it.client.keys.read({ params })).lastFour).toBe(secret.slice(-4))
  await it.client.keys.revoke({ params })
  for (const one of [key.secret, secret]) expect(await told(one)).toMatchObject({ state: 'revoked' })
})

test('no secret outlives its key: the grace ends with the expiry', async () => {
  const expiresAt = new Date(clock.nowMs() + 10 * MINUTE_MS).toISOString()
  const key = await newKey({ expiresAt })
  await it.client.keyRotations.create({ params: { keyId: key.id }, body: {} })
  expect(await told(key.secret)).toMatchObject({ expiresAtMs: Date.parse(expiresAt) })
})

test('the grace is made longer up to a day, shorter, or ended at once; what has ended stays so', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const rotations = it.client.keyRotations
  const begun = await rotations.create({ params, body: { graceMinutes: 15 } })
  const longer = await rotations.change({ params, body: { graceMinutes: 1440 }, ifMatch: '*' })
  expect(Date.parse(longer.endsAt) - Date.parse(begun.startsAt)).toBe(1440 * MINUTE_MS)
  expect(await told(key.secret)).toMatchObject({ expiresAtMs: Date.parse(longer.endsAt) })
  const beyond = await it.ask('PATCH', `/api/v1/keys/${key.id}/rotations/current`, {
    body: { grace_minutes: 1441 },
  })
  expect([beyond.status, beyond.json.errors[0].pointer]).toEqual([400, '/grace_minutes'])
  const second = rotations.create({ params, body: {} })
  await expect(second).rejects.toMatchObject({ status: 409, faults: [{ code: 'rotation_under_way' }] })
  const ended = await rotations.end({ params })
  expect(ended.state).toBe('ended')
  expect((await told(key.secret))!.expiresAtMs!).toBeLessThanOrEqual(clock.nowMs())
  expect(await rotations.end({ params })).toEqual(ended)
  const back = rotations.change({ params, body: { graceMinutes: 60 } })
  await expect(back).rejects.toMatchObject({ status: 409, faults: [{ code: 'rotation_ended' }] })
  await rotations.create({ params, body: { graceMinutes: 0 } })
  expect((await told(begun.secret))!.expiresAtMs!).toBeLessThanOrEqual(clock.nowMs())
  expect(await actions(key.id)).toEqual([
    ...[
      'key-rotation.created',
      'key-rotation.ended',
      'key-rotation.changed',
      'key-rotation.created',
      'key.created',
    ],
  ])
})

test('a scheduled secret is unknown until its time, then takes over by itself with the whole grace', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const startsAt = new Date(clock.nowMs() + 30 * MINUTE_MS).toISOString()
  const made = await it.client.keyRotations.create({ params, body: { startsAt, graceMinutes: 60 } })
  expect(made).toMatchObject({ state: 'scheduled', startsAt, newSecret: { stage: 'next' } })
  expect([await told(made.secret), (await told(key.secret))?.rotation]).toEqual([null, null])
  expect((await it.client.keys.read({ params })).lastFour).toBe(key.lastFour)
  const moved = await it.client.keyRotations.change({
    params,
    body: { startsAt: new Date(clock.nowMs() + 20 * MINUTE_MS).toISOString() },
  })
  expect(moved.state).toBe('scheduled')
  aheadMs.value += 25 * MINUTE_MS
  const startedMs = clock.nowMs()
  await until(async () => (await told(made.secret)) !== null, 'the job to begin the rotation')
  const begun = await it.client.keyRotations.read({ params })
  expect(begun).toMatchObject({
    state: 'grace',
    oldSecret: { stage: 'old' },
    newSecret: { stage: 'current' },
  })
  expect(Date.parse(begun.endsAt)).toBeGreaterThanOrEqual(startedMs + 60 * MINUTE_MS)
  expect(await told(key.secret)).toMatchObject({ expiresAtMs: Date.parse(begun.endsAt) })
  const [event] = (await it.client.auditEvents.list({ query: { subjectId: key.id } })).data
  expect(event).toMatchObject({
    actor: 'system',
    action: 'key-rotation.started',
    before: { state: 'scheduled' },
  })
})

test('a scheduled rotation can be called off, and then nothing changes', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const startsAt = new Date(clock.nowMs() + MINUTE_MS).toISOString()
  const made = await it.client.keyRotations.create({ params, body: { startsAt } })
  expect((await it.client.keyRotations.end({ params })).state).toBe('ended')
  await expect(it.client.keyRotations.read({ params })).rejects.toMatchObject({ status: 404 })
  aheadMs.value += 2 * MINUTE_MS
  const next = await it.client.keyRotations.create({ params, body: {} })
  expect([await told(made.secret), (await told(next.secret))?.id]).toEqual([null, key.id])
})

test('a secret that ended an hour ago is forgotten everywhere, and its key is no longer being rotated', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const made = await it.client.keyRotations.create({ params, body: { graceMinutes: 0 } })
  expect((await told(made.secret))?.rotation).not.toBeNull()
  aheadMs.value += 61 * MINUTE_MS
  await until(async () => (await told(key.secret)) === null, 'the job to forget the old secret')
  await until(async () => (await told(made.secret))?.rotation === null, 'the key to be told anew')
  await expect(it.client.keyRotations.read({ params })).rejects.toMatchObject({ status: 404 })
})

test('the use of each secret is counted by client', async () => {
  const key = await newKey()
  const params = { keyId: key.id }
  const made = await it.client.keyRotations.create({ params, body: {} })
  const startedAt = new Date(clock.nowMs()).toISOString()
  const calls: [number | null, string | null, number][] = [
    [1, 'openai-node/6.1', 3],
    [2, 'openai-node/6.1', 2],
    [1, null, 1],
    [null, null, 4],
  ]
  let n = 500
  for (const [secretNumber, client, count] of calls)
    for (let i = 0; i < count; i++) {
      const outcome = i === 2 ? 'refused' : 'succeeded'
      it.ports.usageSource.append(
        usageRecord(n++, { keyId: key.id, startedAt, secretNumber, client, outcome }),
      )
    }
  await until(
    async () => (await it.client.usage.list({ query: { keyId: key.id } })).data.length === 10,
    'the drain to store the calls',
  )
  const { data, truncated } = await it.client.keyRotations.clients({ params })
  expect(truncated).toBe(false)
  const rows = data.map((one) => [
    one.secretNumber,
    one.stage,
    one.lastFour,
    one.client,
    one.calls,
    one.refused,
  ])
  expect(rows).toHaveLength(3)
  expect(rows).toEqual(
    expect.arrayContaining([
      [1, 'old', key.lastFour, 'openai-node/6.1', 3, 1],
      [2, 'current', made.secret.slice(-4), 'openai-node/6.1', 2, 0],
      [1, 'old', key.lastFour, null, 1, 0],
    ]),
  )
})

test('no table and no log line holds a secret of a rotation', async () => {
  const key = await newKey()
  const body = { startsAt: new Date(clock.nowMs() + MINUTE_MS).toISOString() }
  const { secret } = await it.client.keyRotations.create({ params: { keyId: key.id }, body })
  const events = await it.client.auditEvents.list({ query: { subjectId: key.id } })
  for (const text of [JSON.stringify(events), JSON.stringify(it.logLines)])
    expect(text).not.toContain(secret.slice(8, 40))
})
