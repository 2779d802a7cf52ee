/** The OpenAPI document is whole: what it refers to is there, and nothing of the table is left out. */
import { expect, test } from 'vitest'
import { contract } from './index.ts'
import { openApiDocument, wirePath } from './openapi.ts'
import type { Operation } from './operation.ts'

const document = openApiDocument('1.2.3')
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

test('it is OpenAPI 3.1 with a title, a version, a server and the admin token as its credential', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(document.info.version).toBe('1.2.3')
  expect(document.servers).toEqual([{ url: '/api/v1' }])
  expect(document.components.securitySchemes).toMatchObject({
    adminToken: { type: 'http', scheme: 'bearer' },
    session: { type: 'apiKey', in: 'cookie' },
  })
})

test('every operation of the table is in it, with security, a success and its refusals', () => {
  const table = Object.values(contract).flatMap((group) => Object.values(group) as Operation[])
  expect(operations).toHaveLength(table.length)
  for (const it of table) {
    const printed = document.paths[wirePath(it.path)]?.[it.method.toLowerCase()]
    expect(printed?.security).toEqual([{ adminToken: [] }, { session: [] }])
    const statuses = Object.keys(printed?.responses ?? {})
    expect(statuses.filter((status) => status.startsWith('2'))).toHaveLength(1)
    expect(statuses).toEqual(expect.arrayContaining(['401', '403', '500', '503']))
    expect(statuses.includes('404')).toBe(it.path.includes('{'))
    expect(printed?.requestBody !== undefined).toBe(it.body !== undefined)
    expect(printed?.summary).toMatch(/\.$/)
  }
})

test('operation ids are unique, and tags and path parameters are declared', () => {
  const ids = operations.map((it) => it.operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const tags = new Set(document.tags.map((tag) => tag.name))
  for (const [path, methods] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    for (const it of Object.values(methods)) {
      expect(it.tags.every((tag) => tags.has(tag))).toBe(true)
      const declared = it.parameters.filter((parameter) => parameter.in === 'path')
      expect(declared.map((parameter) => parameter.name)).toEqual(inPath)
      expect(declared.every((parameter) => parameter.required)).toBe(true)
    }
  }
})

test('every reference leads to a component, every component is a schema, all names are snake_case', () => {
  const text = JSON.stringify(document)
  expect(text).not.toContain('$defs')
  const targets = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!)
  expect(targets.length).toBeGreaterThan(20)
  for (const target of targets) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(target)?.[1]
    expect(document.components.schemas[name ?? ''], target).toMatchObject({ type: 'object' })
  }
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect(JSON.stringify(schema), name).not.toMatch(/"(teamId|createdAt|requestId|secretRef)":/)
  }
  expect(document.components.schemas['ProxyKey']).toMatchObject({
    required: expect.arrayContaining(['team_id']),
  })
})

test('the secret of a key is described in the replies to its making and nowhere else', () => {
  const holders = Object.entries(document.components.schemas).filter(([, schema]) =>
    Object.hasOwn((schema['properties'] as object | undefined) ?? {}, 'secret'),
  )
  expect(holders.map(([name]) => name)).toEqual(['KeyRotationWithSecret', 'ProxyKeyWithSecret'])
  const uses = Object.values(document.paths).flatMap((methods) =>
    Object.entries(methods).filter(([, it]) => /(ProxyKey|KeyRotation)WithSecret/.test(JSON.stringify(it))),
  )
  expect(uses.map(([, it]) => it.operationId)).toEqual(['keys.create', 'keyRotations.create'])
})
