/** Only the table matches, in just its bytes; what comes close does not exist. */
import { GatewayError } from '@headgate/domain/gateway-error'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { matchPath } from './match-path.ts'

const POSTS = ['chat/completions', 'completions', 'embeddings', 'responses', 'moderations']
const IN_DEPLOYMENT = ['chat/completions', 'completions', 'embeddings']

/** The whole table, written out by hand from the interface and not from the code. */
const TABLE: readonly (readonly [method: string, path: string, endpoint: string])[] = [
  ...['/v1', '/openai/v1'].flatMap((prefix) => [
    ...POSTS.map((path) => ['POST', `${prefix}/${path}`, path.replace('/', '.')] as const),
    ['GET', `${prefix}/models`, 'models.list'] as const,
    ['GET', `${prefix}/models/gpt-4o`, 'models.retrieve'] as const,
    ['GET', `${prefix}/headgate/me`, 'headgate.me'] as const,
    ['GET', `${prefix}/headgate/requests/req_1`, 'headgate.requests'] as const,
  ]),
  ...IN_DEPLOYMENT.map((path) => {
    return ['POST', `/openai/deployments/gpt-4o/${path}`, path.replace('/', '.')] as const
  }),
  ['POST', '/openai/responses', 'responses'],
  ['GET', '/openai/models', 'models.list'],
  ['GET', '/openai/models/gpt-4o', 'models.retrieve'],
]

function codeOf(method: string, path: string): string {
  try {
    return matchPath(method, path).endpoint.name
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

test('each path of the table leads to its endpoint', () => {
  for (const [method, path, endpoint] of TABLE) expect(codeOf(method, path), path).toBe(endpoint)
})

test('a path of the table refuses every other method and says which it takes', () => {
  for (const [method, path] of TABLE) {
    for (const other of ['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'get', 'post']) {
      if (other !== method) expect(codeOf(other, path), `${other} ${path}`).toBe('method_not_allowed')
    }
  }
  expect(() => matchPath('GET', '/v1/embeddings')).toThrowError('POST')
})

const NEAR = [
  ...['/headgate/me', '/openai/headgate/me', '/v1/headgate', '/v1/headgate/requests', '/v1/headgate/me/x'],
  ...['', '/', '*', '/v1', '/v1/', '/v2/chat/completions', '/chat/completions', '/openai/chat/completions'],
  ...[
    '/openai/deployments/gpt-4o',
    '/openai/deployments//chat/completions',
    '/openai/deployments/completions',
  ],
  ...[
    '/openai/deployments/gpt-4o/moderations',
    '/openai/deployments/gpt-4o/responses',
    '/openai/moderations',
  ],
  ...['/openai/deployments/gpt-4o/chat/completions/', '/openai/deployments/a/b/chat/completions'],
  ...['/openai/deployments/gpt%2f4o/chat/completions', '/openai/deployments/%2e%2e/chat/completions'],
  ...['/openai/deployments/../chat/completions', '/openai/deployments/gpt-4o;x/chat/completions'],
  ...['/openai/deployments/gpt-4o%00/chat/completions', '/openai/deployments/%zz/chat/completions'],
  ...['/v1/models/', '/v1/models/a/b', '/v1/models/a%2fb', '/v1/models/..', '/v1/models/%2e', '/v1/models/ä'],
  ...['/v1/models/gpt-4o/', '/v1/models/%252e', '/v1/models/a%20b', `/v1/models/${'a'.repeat(129)}`],
]

test('what is near a path of the table is no path', () => {
  for (const path of NEAR)
    for (const method of ['GET', 'POST']) expect(codeOf(method, path), path).toBe('unknown_endpoint')
})

test('no change to a path of the table leads anywhere but to a model, call or deployment of another name', () => {
  const table = new Set(TABLE.map(([, path]) => path))
  const named =
    /^(\/(v1|openai|openai\/v1)\/models\/|\/(v1|openai\/v1)\/headgate\/requests\/|\/openai\/deployments\/)([A-Za-z0-9._:%-]+)(?=$|\/(chat\/completions|completions|embeddings)$)/
  const piece = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    '/./',
    '/../',
    '%2e',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    ';x',
    '%',
    '%00',
    ' ',
    '\t',
    'V',
    'v',
    '#',
    '&',
    '%63',
    'é',
  )
  const change = fc.record({
    at: fc.nat(60),
    cut: fc.nat(2),
    put: fc.oneof(piece, fc.string({ maxLength: 3 })),
  })
  fc.assert(
    fc.property(
      fc.constantFrom(...TABLE),
      fc.array(change, { minLength: 1, maxLength: 2 }),
      ([method, path], changes) => {
        let changed: string = path
        for (const { at, cut, put } of changes) changed = changed.slice(0, at) + put + changed.slice(at + cut)
        const code = codeOf(method, changed)
        if (!table.has(changed) && !named.test(changed)) expect(code, changed).toBe('unknown_endpoint')
      },
    ),
    { numRuns: rounds(5000) },
  )
})

test('the name in a path is decoded once, and once only', () => {
  const match = matchPath('POST', '/openai/deployments/my%2Ddeployment%3Ax/embeddings')
  expect(match).toMatchObject({ deployment: 'my-deployment:x' })
  expect(matchPath('GET', '/v1/models/gpt%2D4o')).toMatchObject({ name: 'gpt-4o' })
  expect(codeOf('GET', '/v1/models/gpt%252D4o')).toBe('unknown_endpoint')
})

test('names that are words of the language are names', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty'])
    expect(matchPath('GET', `/v1/models/${name}`)).toMatchObject({ name })
  for (const path of ['constructor', '__proto__', '/__proto__', '/v1/__proto__'])
    expect(codeOf('GET', path)).toBe('unknown_endpoint')
})
