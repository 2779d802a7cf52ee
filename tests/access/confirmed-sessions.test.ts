/** Who has signed in is asked of the directory again and again: what it takes away is gone within that time. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../bench/free-port.ts'
import { memoryPorts, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { Browser } from './browser.ts'
import { startDirectory, type TestDirectory } from './directory.ts'

const CHECK_MS = 300_000
const STALE_MS = 3_600_000

let it: TestPlane
let directory: TestDirectory
let adminUrl: string
/** What the clock of the control plane is ahead. */
let aheadMs = 0
beforeAll(async () => {
  const adminPort = await freePort()
  adminUrl = `http://127.0.0.1:${adminPort}`
  directory = await startDirectory(adminUrl, {})
  const clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() }
  const sessionRules = { checkMs: CHECK_MS, staleMs: STALE_MS }
  const config = { adminPort, adminUrl, directories: [directory.config(adminUrl)], sessionRules }
  it = await startTestPlane({ config, ports: { ...memoryPorts(), clock } })
  await it.client.roleMappings.create({ body: { claim: 'roles', value: 'Headgate.Admin', role: 'admin' } })
  await it.client.roleMappings.create({ body: { claim: 'groups', value: 'operators', role: 'operator' } })
})
afterAll(async () => {
  await it.stop()
  await directory.goAway()
})
beforeEach(() => {
  aheadMs = 0
  directory.people['ada'] = { roles: ['Headgate.Admin'], groups: ['operators'] }
  directory.people['eve'] = { roles: ['Headgate.Admin'] }
})

async function signedIn(account = 'ada'): Promise<Browser> {
  const browser = new Browser()
  expect((await browser.throughProvider(`${adminUrl}/sign-in`, account, adminUrl)).status).toBe(303)
  return browser
}
const ask = (browser: Browser, path = '/me') => browser.fetch(`${adminUrl}/api/v1${path}`)
const rolesOf = async (browser: Browser) => {
  const answer = await ask(browser)
  if (answer.status !== 200) return answer.status
  return ((await answer.json()) as { grants: { role: string }[] }).grants.map((one) => one.role).sort()
}
const endings = async () => {
  const { data } = await it.client.auditEvents.list({ query: { action: 'session.ended' } })
  return data.map((one) => (one.after as { reason?: string }).reason)
}

test('what somebody is anew at the directory, they are here within the time of a check, and not before', async () => {
  const browser = await signedIn()
  directory.people['ada'] = { groups: ['operators'] }
  aheadMs = CHECK_MS - 60_000
  expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
  aheadMs = CHECK_MS
  expect(await rolesOf(browser)).toEqual(['operator'])
  directory.people['ada'] = { roles: ['Headgate.Admin'] }
  aheadMs = 2 * CHECK_MS + 60_000
  expect(await rolesOf(browser)).toEqual(['admin'])
})

test('whoever is disabled at the directory is out within the time of a check, and it is noted', async () => {
  const browser = await signedIn()
  directory.people['ada'] = undefined
  expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
  aheadMs = CHECK_MS
  expect(await rolesOf(browser)).toBe(401)
  expect((await endings())[0]).toBe('the directory let its owner go')
  // For good: that they are back is for another sign-in.
  directory.people['ada'] = { roles: ['Headgate.Admin'] }
  expect(await rolesOf(browser)).toBe(401)
})

test('while the directory is away a session goes on, but not for longer than the stated age, and comes back with it', async () => {
  const browser = await signedIn()
  await directory.goAway()
  try {
    aheadMs = CHECK_MS + 1_000
    expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
    aheadMs += 25 * 60_000
    expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
    aheadMs += 25 * 60_000
    expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
    aheadMs = STALE_MS + 60_000
    const answer = await ask(browser)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      503,
      'directory_unavailable',
    ])
  } finally {
    await directory.comeBack()
  }
  aheadMs += 60_000
  expect(await rolesOf(browser)).toEqual(['admin', 'operator'])
})

test('many requests at once ask once, since a refresh token that is used twice counts as stolen', async () => {
  const browser = await signedIn()
  for (let round = 1; round <= 3; round++) {
    aheadMs = round * (CHECK_MS + 1_000)
    const before = directory.refreshed()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(browser)))
    expect(answers.map((one) => one.status)).toEqual(Array(20).fill(200))
    expect(directory.refreshed() - before).toBe(1)
  }
})

test('what it is asked with lies sealed, is bound to its session, and goes when the session ends', async () => {
  const [ada, eve] = [await signedIn('ada'), await signedIn('eve')]
  const rows = async () =>
    it.db
      .selectFrom('sessions')
      .select(['id', 'actor', 'sealedRefreshToken'])
      .orderBy('id', 'desc')
      .limit(2)
      .execute()
  const [ofEve, ofAda] = await rows()
  expect(ofEve?.sealedRefreshToken).toMatch(/^1\.[0-9a-f]{8}\./)
  // The token of one in the place of another does not open: the session is as one without, and ends when it is stale.
  await it.db
    .updateTable('sessions')
    .set({ sealedRefreshToken: ofEve?.sealedRefreshToken ?? null })
    .where('id', '=', ofAda?.id ?? '')
    .execute()
  aheadMs = CHECK_MS + 1_000
  expect(await rolesOf(ada)).toEqual(['admin', 'operator'])
  for (; aheadMs < STALE_MS; aheadMs += 20 * 60_000) await ask(ada)
  expect(await rolesOf(ada)).toBe(401)
  expect((await endings())[0]).toBe('the directory cannot be asked again')
  aheadMs = 0
  await eve.write('POST', `${adminUrl}/sign-out`, adminUrl)
  expect((await rows()).map((one) => one.sealedRefreshToken)).toEqual([null, null])
  const kept = it.db.selectFrom('sessions').select('id').where('endedAt', 'is not', null)
  expect(await kept.where('sealedRefreshToken', 'is not', null).execute()).toEqual([])
})
