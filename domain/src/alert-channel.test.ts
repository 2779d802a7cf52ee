/** Where alerts may be pointed, what each kind needs, and which events a channel hears. */
import { expect, test } from 'vitest'
import { listensTo, NewAlertChannel, ReceiverUrl } from './alert-channel.ts'

const secretRef = 'env://ALERT_SECRET'
const base = { name: 'On call', secretRef }
const pathsOf = (it: object) =>
  NewAlertChannel.safeParse({ ...base, ...it }).error?.issues.map((issue) => issue.path.join('.')) ?? []

test('each kind needs its own fields and refuses those of the others', () => {
  expect(pathsOf({ kind: 'webhook', url: 'https://alerts.example.com/a?b=c' })).toEqual([])
  expect(pathsOf({ kind: 'slack' })).toEqual([])
  expect(pathsOf({ kind: 'email', mailFrom: 'a@example.com', mailTo: ['b@example.com'] })).toEqual([])
  expect(pathsOf({ kind: 'webhook' })).toEqual(['url'])
  expect(pathsOf({ kind: 'teams', url: 'https://alerts.example.com/' })).toEqual(['url'])
  expect(pathsOf({ kind: 'email' })).toEqual(['mailFrom', 'mailTo'])
  expect(pathsOf({ kind: 'slack', secretRef: 'https://hooks.example.com/T0/B0/x' })).toEqual(['secretRef'])
})

test.each([
  ...['ftp://a.example/', 'file:///etc/passwd', 'http://a.example/', 'https://user@a.example/', 'https://'],
  ...[
    'https://a.example\\@b.example/',
    'https://[::1]/',
    'https://a.example./',
    'https://a.example/\r\nX: y',
  ],
  ...[
    'http://127.0.0.1/',
    'http://localhost:80/',
    'https://a.example#b',
    'javascript:alert(1)',
    'https://A.example/',
  ],
])('%j is no address of a receiver', (url) => {
  expect(ReceiverUrl.safeParse(url).success).toBe(false)
})

test('a channel hears what it listens to, and nothing while it is muted', () => {
  const event = { type: 'budget.reached', teamId: 'team_a', budgetId: 'bud_a', atMs: 1_000 } as const
  const all = { eventTypes: null, teamIds: null, budgetIds: null, mutedUntil: null }
  expect(listensTo(all, event)).toBe(true)
  expect(listensTo({ ...all, teamIds: ['team_b'] }, event)).toBe(false)
  expect(listensTo({ ...all, teamIds: ['team_b', 'team_a'], budgetIds: ['bud_a'] }, event)).toBe(true)
  expect(listensTo({ ...all, budgetIds: ['bud_b'] }, event)).toBe(false)
  expect(listensTo({ ...all, mutedUntil: '1970-01-01T00:00:01.001Z' }, event)).toBe(false)
  expect(listensTo({ ...all, mutedUntil: '1970-01-01T00:00:01.000Z' }, event)).toBe(true)
  expect(listensTo({ ...all, eventTypes: ['key-rotation.due'] }, event)).toBe(false)
  expect(listensTo({ ...all, eventTypes: ['key-rotation.due', 'budget.reached'] }, event)).toBe(true)
  const ofKey = { type: 'key-rotation.due', teamId: 'team_a', atMs: 1_000 } as const
  expect(listensTo(all, ofKey)).toBe(true)
  expect(listensTo({ ...all, budgetIds: ['bud_a'] }, ofKey)).toBe(false)
  const ofSink = { type: 'sink.lagging', atMs: 1_000 } as const
  expect(listensTo(all, ofSink)).toBe(true)
  expect(listensTo({ ...all, teamIds: ['team_a'] }, ofSink)).toBe(false)
})
