/** From a budget's event to its receivers: each told at least once, repeats known by their id, nothing lost. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import type { NewAlertChannel } from '@headgate/domain/alert-channel'
import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, until } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`
const environment: Record<string, string> = { ALERT_SECRET: SECRET, SHORT_SECRET: 'whsec_c2hvcnQ=' }

let it: TestPlane
let other: TestPlane
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  environment['CHAT_URL'] = `${receiver.origin}/chat/secret-part`
  const options = { allowLoopbackUpstreams: true, environment }
  it = await startTestPlane(options)
  other = await startTestPlane({ ...options, databaseUrl: it.databaseUrl })
})
afterAll(async () => {
  await Promise.all([it.stop(), other.stop()])
  await receiver.close()
})
beforeEach(async () => {
  receiver.received.length = 0
  receiver.answer = (response) => response.writeHead(204).end()
  await it.db.deleteFrom('alertChannels').execute()
})

let made = 0
async function channel(changes: Partial<NewAlertChannel> = {}) {
  made += 1
  const webhook = { kind: 'webhook', url: `${receiver.origin}/hook` } as const
  const address = changes.kind === undefined || changes.kind === 'webhook' ? webhook : {}
  const body = { name: `channel ${made}`, secretRef: 'env://ALERT_SECRET', ...address, ...changes }
  return it.client.alertChannels.create({ body: body as never })
}

/** A budget of a team of its own, and a way to spend of it. */
async function budget(amountNanos = 1_000) {
  made += 1
  const team = await it.client.teams.create({ body: { name: `team ${made}` } })
  const { id } = await it.client.budgets.create({
    body: { ownerId: team.id, name: 'Month <b>&', currency: 'USD', amountNanos, period: { kind: 'month' } },
  })
  const spend = (costNanos: number) => {
    made += 1
    return usageStore(it.db).store([usageRecord(made, { teamId: team.id, appId: null, costNanos })])
  }
  return { id, teamId: team.id, spend }
}

const deliveries = async (query = {}) => (await it.client.alertDeliveries.list({ query })).data
const delivery = (deliveryId: string) => it.client.alertDeliveries.read({ params: { deliveryId } })
/** As if the wait were over, after so many attempts. */
const makeDue = (changes: { attempts?: number } = {}) =>
  it.db
    .updateTable('alertDeliveries')
    .set({ nextAttemptAt: new Date().toISOString(), ...changes })
    .where('state', '=', 'waiting')
    .execute()
const typesOf = () => receiver.received.map(({ body }) => JSON.parse(body).data.at_percent)

test('each part is told once to each channel that listens, signed so that the specification checks it', async () => {
  const mine = await budget()
  await channel({ teamIds: [mine.teamId] })
  await channel({ budgetIds: [(await budget()).id] })
  await channel({ mutedUntil: '2999-01-01T00:00:00Z' })
  await mine.spend(850)
  await mine.spend(50)
  await mine.spend(200)
  await until(() => receiver.received.length >= 2, 'both parts')
  await until(async () => (await deliveries({ state: 'delivered' })).length === 2, 'the outcome')
  expect(typesOf().toSorted((a, b) => a - b)).toEqual([80, 100])
  for (const { headers, body } of receiver.received) {
    const verified = new Webhook(SECRET).verify(body, headers as Record<string, string>)
    expect(verified).toMatchObject({
      type: 'budget.reached',
      data: { budget_id: mine.id, amount_nanos: 1_000 },
    })
    expect(() => new Webhook(SECRET).verify(`${body} `, headers as Record<string, string>)).toThrow()
  }
  expect((await deliveries()).map((one) => [one.state, one.attempts, one.lastAnswer])).toEqual([
    ['delivered', 1, 'HTTP 204'],
    ['delivered', 1, 'HTTP 204'],
  ])
})

test('what fails is tried again with the same id and bytes, and what is given up says why and can be sent again', async () => {
  const mine = await budget()
  const { id: channelId } = await channel()
  let failures = 2
  receiver.answer = (response) => {
    failures -= 1
    response.writeHead(failures >= 0 ? 500 : 204).end(failures >= 0 ? 'out of\norder' : '')
  }
  await mine.spend(800)
  await until(
    async () => (await deliveries({ channelId }))[0]?.lastAnswer === 'HTTP 500: out of order',
    'a failure',
  )
  const [first] = await deliveries({ channelId })
  expect(first).toMatchObject({ state: 'waiting', attempts: 1, endedAt: null, eventType: 'budget.reached' })
  const waitMs = Date.parse(first?.nextAttemptAt ?? '') - Date.now()
  expect(waitMs).toBeGreaterThan(0)
  await makeDue()
  await until(() => receiver.received.length === 2, 'the second attempt')
  await until(async () => (await deliveries({ channelId }))[0]?.attempts === 2, 'its outcome')
  await makeDue({ attempts: 9 })
  failures = 1
  await until(async () => (await deliveries({ state: 'dead' })).length === 1, 'it to be given up')
  await it.client.alertDeliveries.retry({ params: { deliveryId: first?.id ?? '' } })
  await until(async () => (await delivery(first?.id ?? '')).state === 'delivered', 'the last attempt')
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
    new Set([first?.eventId]),
  )
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
  const events = await it.client.auditEvents.list({ query: { subjectId: first?.id ?? '' } })
  expect(events.data.map((event) => event.action)).toEqual(['alert-delivery.retried'])
})

test('a secret that we keep ourselves signs, the new one once it is rotated, and is not removed from under a channel', async () => {
  const [old, next] = ['one', 'two'].map(
    (word) => `whsec_${Buffer.from(`the secret number ${word} of this test`).toString('base64')}`,
  ) as [string, string]
  const { id: secretId, ref } = await it.client.secrets.create({ body: { name: 'signing', value: old } })
  const { id: channelId } = await channel({ secretRef: ref as never })
  const signedWith = async (secret: string) => {
    receiver.received.length = 0
    await it.client.alertChannels.test({ params: { channelId } })
    await until(() => receiver.received.length === 1, 'the test')
    const [{ headers, body }] = receiver.received as [Receiver['received'][number]]
    new Webhook(secret).verify(body, headers as Record<string, string>)
  }
  await signedWith(old)
  await it.client.secrets.rotate({ params: { secretId }, body: { value: next } })
  await signedWith(next)
  const params = { secretId }
  await expect(it.client.secrets.remove({ params, ifMatch: '*' })).rejects.toMatchObject({
    faults: [{ code: 'in_use', message: expect.stringContaining('alert channels') }],
  })
  const nowhere = channel({ secretRef: 'db://nowhere' as never })
  await expect(nowhere).rejects.toMatchObject({ faults: [{ pointer: '/secret_ref' }] })
  await it.client.alertChannels.remove({ params: { channelId }, ifMatch: '*' })
  await it.client.secrets.remove({ params, ifMatch: '*' })
})

test('a receiver that is down, redirects, is gone or floods is told apart, and nothing is followed', async () => {
  const answers: [ReceiverAnswer: Receiver['answer'], state: string, answer: RegExp][] = [
    [
      (response) => response.writeHead(307, { location: `${receiver.origin}/else` }).end(),
      'waiting',
      /307.*not followed/,
    ],
    [(response) => response.writeHead(410).end('no more'), 'dead', /^HTTP 410: no more$/],
    [(response) => response.socket?.destroy(), 'waiting', /hang up|reset/],
    [(response) => flood(response), 'delivered', /^HTTP 200: x{290,}…$/],
  ]
  for (const [answer, state, text] of answers) {
    receiver.answer = answer
    const { id: channelId } = await channel()
    const { id } = await it.client.alertChannels.test({ params: { channelId } })
    await until(async () => (await delivery(id)).lastAnswer !== null, 'the outcome')
    const outcome = await delivery(id)
    expect([outcome.state, outcome.eventType]).toEqual([state, 'alert.test'])
    expect(outcome.lastAnswer).toMatch(text)
  }
  expect(receiver.received.map(({ path }) => path)).not.toContain('/else')
})

/** An answer without an end. */
function flood(response: Parameters<Receiver['answer']>[0]): void {
  response.writeHead(200)
  const more = () => {
    if (!response.destroyed && response.write('x'.repeat(1_000))) setImmediate(more)
  }
  response.on('drain', more)
  more()
}

test('a process that is killed between sending and marking leaves an event that arrives again with its id', async () => {
  const { id: channelId } = await channel({ mutedUntil: '2999-01-01T00:00:00Z' })
  await Promise.all([it.stop(), other.stop()])
  const script = fileURLToPath(new URL('./deliver-process.ts', import.meta.url))
  const event = { id: `evt_${'0'.repeat(26)}`, type: 'alert.test', at: new Date().toISOString() } as const
  const alone = await startTestPlane({ databaseUrl: it.databaseUrl })
  const { db } = alone
  await alone.plane.stop()
  await db
    .insertInto('outboxEvents')
    .values({ ...event, data: JSON.stringify({ channelId }) })
    .execute()
  const id = `dlv_${'0'.repeat(26)}`
  const now = new Date().toISOString()
  const waiting = { id, channelId, eventId: event.id, createdAt: now, nextAttemptAt: now }
  await db.insertInto('alertDeliveries').values(waiting).execute()
  const child = spawn(process.execPath, [script, it.databaseUrl, SECRET], { stdio: 'ignore' })
  const died = once(child, 'exit')
  receiver.answer = () => child.kill('SIGKILL')
  await died
  expect(receiver.received.length).toBe(1)
  receiver.answer = (response) => response.writeHead(204).end()
  await alone.stop()
  it = await startTestPlane({ databaseUrl: it.databaseUrl, allowLoopbackUpstreams: true, environment })
  other = await startTestPlane({ databaseUrl: it.databaseUrl, allowLoopbackUpstreams: true, environment })
  expect(await delivery(id)).toMatchObject({ state: 'waiting', attempts: 1, lastAnswer: null })
  await makeDue()
  await until(async () => (await delivery(id)).state === 'delivered', 'the second attempt')
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([event.id, event.id])
})

test('two control planes at once, with events that are committed in another order, lose and double none', async () => {
  const { id: channelId } = await channel()
  const budgets = await Promise.all(Array.from({ length: 10 }, () => budget()))
  await Promise.all(budgets.flatMap((one) => [one.spend(500), one.spend(300), one.spend(250)]))
  await until(async () => (await deliveries({ channelId, state: 'delivered' })).length === 20, 'all events')
  expect(receiver.received.length).toBe(20)
  const told = receiver.received.map(({ body }) => JSON.parse(body).data)
  expect(new Set(told.map((one) => `${one.budget_id} ${one.at_percent}`)).size).toBe(20)
})

test('chats get one sentence without mark-up, and their address is in no answer of ours', async () => {
  const mine = await budget()
  const slack = await channel({ kind: 'slack', secretRef: 'env://CHAT_URL' as never, teamIds: [mine.teamId] })
  const teams = await channel({ kind: 'teams', secretRef: 'env://CHAT_URL' as never, teamIds: [mine.teamId] })
  await mine.spend(800)
  await until(async () => (await deliveries({ state: 'delivered' })).length === 2, 'both chats')
  const bodies = receiver.received.map(({ body }) => JSON.parse(body))
  expect(bodies.find((body) => body.text)?.text).toContain('Budget "Month &lt;b&gt;&amp;" of "team')
  const card = bodies.find((body) => body.type === 'message')?.attachments[0].content
  expect(card.body[0].inlines[0].text).toContain('has reached 80 percent')
  expect(receiver.received.map(({ path }) => path)).toEqual(['/chat/secret-part', '/chat/secret-part'])
  for (const { id } of [slack, teams])
    expect(JSON.stringify(await it.client.alertChannels.read({ params: { channelId: id } }))).not.toContain(
      'secret-part',
    )
})

test('mail arrives with one message id for all attempts, and a refusal is shown without the password', async () => {
  const mails: string[] = []
  let refusals = 1
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], hideSTARTTLS: true, allowInsecureAuth: true },
    onAuth: ({ password }, _, done) =>
      password === 'pass/word' ? done(null, { user: 'u' }) : done(new Error('wrong password')),
    onData: (stream, _, done) => {
      let text = ''
      stream.on('data', (piece) => {
        text += piece
      })
      stream.on('end', () => {
        refusals -= 1
        mails.push(text)
        done(refusals >= 0 ? new Error('try later') : null)
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.server.address() as { port: number }
  environment['MAIL_SERVER'] = `smtp://u:pass%2Fword@127.0.0.1:${port}`
  const mine = await budget()
  await channel({
    ...{ kind: 'email', secretRef: 'env://MAIL_SERVER' as never, teamIds: [mine.teamId] },
    ...{ mailFrom: 'headgate@example.com', mailTo: ['a@example.com', 'b@example.com'] },
  })
  await mine.spend(800)
  await until(async () => (await deliveries())[0]?.attempts === 1 && mails.length === 1, 'the refusal')
  await until(async () => (await deliveries())[0]?.lastAnswer !== null, 'its outcome')
  expect((await deliveries())[0]?.lastAnswer).toContain('try later')
  expect((await deliveries())[0]?.lastAnswer).not.toContain('word')
  await makeDue()
  await until(async () => (await deliveries())[0]?.state === 'delivered', 'the mail')
  const ids = mails.map((mail) => /^Message-ID:\s+(\S+)/im.exec(mail)?.[1])
  expect(ids[0]).toMatch(/^<evt_.*@example\.com>$/)
  expect(ids[1]).toBe(ids[0])
  expect(mails[1]).toMatch(/Subject: Headgate: a budget has reached a part/)
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

test('where alerts may not go and what cannot be is refused with the field, and a poor secret with the cure', async () => {
  const refused = (changes: object) => channel(changes as never).catch((fault) => fault.faults?.[0]?.pointer)
  expect(await refused({ url: 'https://169.254.169.254/latest' })).toBe('/url')
  expect(await refused({ url: 'https://10.0.0.7/' })).toBe('/url')
  expect(await refused({ url: 'https://localhost/' })).toBe('/url')
  expect(await refused({ teamIds: [`team_${'0'.repeat(26)}`] })).toBe('/team_ids/0')
  expect(await refused({ budgetIds: [`bud_${'0'.repeat(26)}`] })).toBe('/budget_ids/0')
  const { id: channelId, name } = await channel({ secretRef: 'env://SHORT_SECRET' as never })
  expect(await refused({ name })).toBe('/name')
  await expect(
    it.client.alertChannels.change({ params: { channelId }, body: { url: null }, ifMatch: '*' }),
  ).rejects.toMatchObject({ faults: [{ pointer: '/url' }] })
  const { id } = await it.client.alertChannels.test({ params: { channelId } })
  await until(async () => (await delivery(id)).lastAnswer !== null, 'the outcome')
  expect((await delivery(id)).lastAnswer).toContain('make one with')
  expect(receiver.received).toEqual([])
  await it.client.alertChannels.remove({ params: { channelId } })
  expect(await deliveries({ channelId })).toEqual([])
})
