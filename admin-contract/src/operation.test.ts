/** What the compiler must refuse. Vitest only runs this file; `tsc` is what judges its expected errors. */
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { AdminClient } from './client.ts'
import { contract } from './index.ts'
import type { keys } from './keys.ts'
import { type Handlers, type Operation, operation } from './operation.ts'

const reply = z.object({ id: z.string() })
const read = operation({
  method: 'GET',
  path: '/things/{thingId}/parts/{partId}',
  right: 'teams.read',
  summary: '',
  reply,
})
const create = operation({
  method: 'POST',
  path: '/things',
  right: 'teams.write',
  audit: 'thing.created',
  changesCatalog: false,
  status: 201,
  summary: '',
  body: z.strictObject({ name: z.string(), size: z.int().default(1) }),
  reply,
})
const things = { read, create }

test('an operation that writes without an audit event does not compile', () => {
  // @ts-expect-error a write needs `audit`
  operation({
    method: 'POST',
    path: '/x',
    right: 'teams.write',
    changesCatalog: false,
    status: 200,
    summary: '',
    reply,
  })
  // @ts-expect-error it needs a right
  operation({ method: 'GET', path: '/x', summary: '', reply })
  // @ts-expect-error there is no such right
  operation({ method: 'GET', path: '/x', right: 'teams.eat', summary: '', reply })
  // @ts-expect-error a read leaves no audit event
  operation({ method: 'GET', path: '/x', right: 'teams.read', audit: 'x.read', summary: '', reply })
  // @ts-expect-error a file that is taken away leaves an audit event
  operation({ method: 'GET', path: '/x', right: 'teams.read', download: true, summary: '', reply })
  // @ts-expect-error a read takes no body
  operation({ method: 'GET', path: '/x', right: 'teams.read', summary: '', reply, body: reply })
})

test('an operation without its handler, or a handler without its operation, does not compile', () => {
  const readThing: Handlers<typeof things, null>['read'] = async ({ params }) => ({ id: params.partId })
  // @ts-expect-error `create` is missing
  const missing: Handlers<typeof things, null> = { read: readThing }
  const create: Handlers<typeof things, null>['create'] = async ({ body }) => ({
    changed: true,
    reply: { id: body.name },
    subjectId: body.name,
    before: null,
    after: body.size,
  })
  const whole: Handlers<typeof things, null> = { read: readThing, create }
  // @ts-expect-error there is no operation `remove`
  const excess: Handlers<typeof things, null> = { ...whole, remove: readThing }
  expect([missing, whole, excess]).toHaveLength(3)
})

test('a write that does not say what it changed does not compile', () => {
  // @ts-expect-error a bare reply leaves nothing for the audit event
  const bare: Handlers<typeof things, null>['create'] = async () => ({ id: 'x' })
  expect(bare).toBeDefined()
})

test('parameters, body and reply are inferred on both sides', () => {
  type Calls = Handlers<typeof things, null>
  expectTypeOf<Parameters<Calls['read']>[0]['params']>().toExtend<{ thingId: string; partId: string }>()
  expectTypeOf<Parameters<Calls['create']>[0]['body']>().toEqualTypeOf<{ name: string; size: number }>()
  expectTypeOf<Parameters<Handlers<typeof keys, null>['revoke']>[0]['params']>().toExtend<{ keyId: string }>()
  const use = (client: AdminClient) => [
    client.keys.create({ body: { name: 'n', appId: 'app_1' } }),
    client.keys.list(),
    client.usage.query({ query: { by: 'team,alias' } }),
    // @ts-expect-error the key must be named
    client.keys.revoke({}),
    // @ts-expect-error a key needs an app
    client.keys.create({ body: { name: 'n' } }),
    // @ts-expect-error nothing is ranked by this
    client.usage.query({ query: { metric: 'beauty' } }),
  ]
  expect(use).toBeDefined()
})

test('every write of the contract names its audit event after the thing it changes, and no two paths collide', () => {
  const seen = new Set<string>()
  for (const operations of Object.values(contract)) {
    for (const it of Object.values(operations) as Operation[]) {
      const place = `${it.method} ${it.path.replace(/\{\w+\}/g, '{}')}`
      expect(seen.has(place), place).toBe(false)
      seen.add(place)
      if (it.method !== 'GET') expect(it.audit).toMatch(/^([a-z-]+\.[a-z]+|of-each-item)$/)
    }
  }
})
