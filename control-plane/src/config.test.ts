/** Settings: all faults at once, each with its name and the cure, and never a value. */
import { describe, expect, test } from 'vitest'
import { readSettings } from './config.ts'

const good = {
  HEADGATE_ADMIN_TOKEN: 'an-admin-token-for-tests-0123456789',
  HEADGATE_KEY_PEPPER: '0123456789abcdef0123456789abcdef',
  HEADGATE_AUDIT_KEY: 'fedcba9876543210fedcba9876543210',
  DATABASE_URL: 'postgres://user:password@db.example:5432/headgate',
  REDIS_URL: 'redis://localhost:6379',
}

function faultsOf(environment: Record<string, string>): string[] {
  try {
    readSettings(environment)
  } catch (fault) {
    return (fault as Error).message.split('\n').slice(1)
  }
  return []
}

test('defaults are filled in and the result is frozen', () => {
  const settings = readSettings(good)
  expect(settings).toMatchObject({
    host: '127.0.0.1',
    adminPort: 7401,
    allowLoopbackUpstreams: false,
    drainMs: 120_000,
    fixedSettings: {},
    logLevel: 'info',
    unknownNames: [],
  })
  expect(Object.isFrozen(settings)).toBe(true)
  expect(readSettings({ ...good, HEADGATE_MODE: 'evaluation' }).allowLoopbackUpstreams).toBe(true)
})

test('what the environment says of settings of the organisation is fixed, and nothing else is', () => {
  const given = { ...good, HEADGATE_KEEP_RECORDS_DAYS: '30', HEADGATE_KEEP_AUDIT_DAYS: '' }
  expect(readSettings(given).fixedSettings).toEqual({ keepRecordsDays: 30 })
  expect(faultsOf({ ...good, HEADGATE_KEEP_RECORDS_DAYS: '0' })).toHaveLength(1)
})

test('all that is missing is named at once; a name set to nothing is missing', () => {
  const names = faultsOf({ HEADGATE_ADMIN_TOKEN: '' }).map((line) => line.trim().split(' ')[0])
  expect(names).toEqual([
    'HEADGATE_ADMIN_TOKEN',
    'HEADGATE_KEY_PEPPER',
    'HEADGATE_AUDIT_KEY',
    'DATABASE_URL',
    'REDIS_URL',
  ])
})

test.each([
  ['HEADGATE_ADMIN_TOKEN', 'too-short'],
  ['HEADGATE_ADMIN_TOKEN', 'a'.repeat(40)],
  ['HEADGATE_ADMIN_TOKEN', 'with a blank in it 0123456789 0123456789'],
  ['HEADGATE_KEY_PEPPER', 'tiny'],
  ['HEADGATE_KEY_PEPPER', '0'.repeat(64)],
  ['HEADGATE_ADMIN_PORT', '70000'],
  ['HEADGATE_ADMIN_PORT', 'http'],
  ['HEADGATE_MODE', 'demo'],
  ['HEADGATE_LOG_LEVEL', 'loud'],
  ['DATABASE_URL', 'mysql://user:hunter22222@db/x'],
  ['REDIS_URL', 'localhost:6379'],
])('%s=%s is refused by name, and its value is not repeated', (name, value) => {
  const faults = faultsOf({ ...good, [name]: value })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(name)
  expect(faults[0]).not.toContain(value)
})

test('names of the other plane pass, names of nobody are told', () => {
  const settings = readSettings({ ...good, HEADGATE_PORT: '7400', HEADGATE_ADMIN_TOKN: 'x', HEADGATE_X: '' })
  expect(settings.unknownNames).toEqual(['HEADGATE_ADMIN_TOKN', 'HEADGATE_X'])
})

describe('sign-in', () => {
  const whole: Record<string, string> = {
    HEADGATE_ADMIN_URL: 'https://admin.example.com',
    HEADGATE_OIDC_ISSUER: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
    HEADGATE_OIDC_CLIENT_ID: 'a-client',
    HEADGATE_OIDC_CLIENT_SECRET: 'env://ENTRA_SECRET',
    HEADGATE_OIDC_AUDIENCE: 'a-client,api://a-client',
    ENTRA_SECRET: 'Zk3~a-secret-of-an-app-registration-8Q',
  }
  const read = (change: Record<string, string | undefined>) => readSettings({ ...good, ...whole, ...change })

  test('whole, it is read with the secret that it refers to', () => {
    expect(read({}).directories[0]).toMatchObject({
      clientSecret: whole['ENTRA_SECRET'],
      audiences: ['a-client', 'api://a-client'],
      allowHttp: false,
    })
    expect(readSettings(good).directories).toEqual([])
    expect(readSettings({ ...good, HEADGATE_ADMIN_URL: 'https://admin.example.com' }).directories).toEqual([])
  })

  test.each(
    Object.keys(whole).flatMap((name) => [undefined, '', ' '].map((value) => [name, value] as const)),
  )('without %s (%j) nothing starts, and the name is told', (name, value) => {
    expect(() => read({ [name]: value })).toThrow(name)
  })

  test.each([
    ['HEADGATE_OIDC_ISSUER', 'https://login.microsoftonline.com/common/v2.0'],
    ['HEADGATE_OIDC_ISSUER', 'https://login.microsoftonline.com/organizations/v2.0'],
    ['HEADGATE_OIDC_ISSUER', 'http://login.example.com'],
    ['HEADGATE_OIDC_ISSUER', 'login.example.com'],
    ['HEADGATE_ADMIN_URL', 'http://admin.example.com'],
    ['HEADGATE_ADMIN_URL', 'https://admin.example.com/console'],
    ['HEADGATE_ADMIN_URL', 'https://admin.example.com/'],
    ['HEADGATE_OIDC_CLIENT_SECRET', 'Zk3~a-secret-of-an-app-registration-8Q'],
    ['HEADGATE_OIDC_CLIENT_SECRET', 'env://lower'],
    ['HEADGATE_OIDC_AUDIENCE', 'a,,b'],
    ['ENTRA_SECRET', 'short'],
    ['ENTRA_SECRET', 'x'.repeat(40)],
  ])('%s as %s is refused, and no secret is repeated', (name, value) => {
    let told = ''
    try {
      read({ [name]: value })
    } catch (fault) {
      told = (fault as Error).message
    }
    expect(told).toContain(name)
    expect(told).not.toContain('a-secret-of-an-app')
  })

  const ORGANIZATIONS = 'https://login.microsoftonline.com/organizations/v2.0'
  const tenant = '11111111-2222-3333-4444-555555555555'

  test('an issuer of all organizations is taken with the tenants that may come in, and they with nothing else', () => {
    const many = {
      HEADGATE_OIDC_ISSUER: ORGANIZATIONS,
      HEADGATE_OIDC_TENANTS: `${tenant}, ${tenant.toUpperCase()}`,
    }
    expect(read(many).directories[0]?.tenants).toEqual([tenant, tenant])
    expect(read({}).directories[0]?.tenants).toBe(null)
    for (const tenants of [undefined, '', ' ', 'contoso.com', '*', `${tenant},`])
      expect(() => read({ ...many, HEADGATE_OIDC_TENANTS: tenants })).toThrow('HEADGATE_OIDC_TENANTS')
    expect(() => read({ HEADGATE_OIDC_TENANTS: tenant })).toThrow('HEADGATE_OIDC_TENANTS')
    expect(() => read({ HEADGATE_OIDC_ISSUER: `${ORGANIZATIONS}/` })).toThrow('HEADGATE_OIDC_ISSUER')
  })

  test('several providers have one part each in every setting', () => {
    const two = {
      HEADGATE_OIDC_ISSUER: `${whole['HEADGATE_OIDC_ISSUER']}  https://id.example.com`,
      HEADGATE_OIDC_CLIENT_ID: 'a-client another',
      HEADGATE_OIDC_CLIENT_SECRET: 'env://ENTRA_SECRET env://OTHER_SECRET',
      HEADGATE_OIDC_AUDIENCE: 'a-client,api://a-client api://other',
      OTHER_SECRET: 'Q8~another-secret-of-a-registration-3kZ',
    }
    expect(read(two).directories).toMatchObject([
      { clientId: 'a-client', audiences: ['a-client', 'api://a-client'] },
      { issuer: 'https://id.example.com', clientSecret: two.OTHER_SECRET, audiences: ['api://other'] },
    ])
    for (const name of Object.keys(two).slice(1, 4))
      expect(() => read({ ...two, [name]: whole[name] })).toThrow(`${name} must have as many parts`)
    expect(() => read({ ...two, OTHER_SECRET: 'short' })).toThrow('OTHER_SECRET')
    const twice = `${whole['HEADGATE_OIDC_ISSUER']} ${whole['HEADGATE_OIDC_ISSUER']}`
    expect(() => read({ ...two, HEADGATE_OIDC_ISSUER: twice })).toThrow('names one provider twice')
  })

  test('how often and how long are minutes', () => {
    expect(read({}).sessionRules).toEqual({ checkMs: 300_000, staleMs: 3_600_000 })
    for (const value of ['0', '61', '1.5', 'often'])
      expect(() => read({ HEADGATE_SIGN_IN_CHECK_MINUTES: value })).toThrow('HEADGATE_SIGN_IN_CHECK_MINUTES')
  })

  test('all that is wrong is told together', () => {
    const wrong = {
      HEADGATE_OIDC_ISSUER: 'x',
      HEADGATE_OIDC_AUDIENCE: undefined,
      ENTRA_SECRET: 'short',
      HEADGATE_ADMIN_TOKEN: 'x',
    }
    for (const name of Object.keys(wrong)) expect(() => read(wrong)).toThrow(name)
  })
})

describe('Cosmos DB', () => {
  const endpoint = { HEADGATE_COSMOS_ENDPOINT: 'https://my-account.documents.azure.com:443/' }

  test('is no sink until an endpoint is set, and then has sensible defaults', () => {
    expect(readSettings(good).cosmos).toBeNull()
    expect(readSettings({ ...good, ...endpoint }).cosmos).toEqual({
      endpoint: 'https://my-account.documents.azure.com',
      ...{ database: 'headgate', container: 'usage', keyRef: null, ttlDays: null, from: null },
    })
    const more = { HEADGATE_COSMOS_KEY: 'kv://vault/cosmos', HEADGATE_COSMOS_FROM: '2026-11-01' }
    expect(readSettings({ ...good, ...endpoint, ...more }).cosmos).toMatchObject({
      ...{ keyRef: 'kv://vault/cosmos', from: '2026-11-01T00:00:00.000Z' },
    })
  })

  test.each([
    ['HEADGATE_COSMOS_ENDPOINT', 'http://my-account.documents.azure.com'],
    ['HEADGATE_COSMOS_ENDPOINT', 'https://user:hunter22222@my-account.documents.azure.com'],
    ['HEADGATE_COSMOS_ENDPOINT', 'https://my-account.documents.azure.com/dbs'],
    ['HEADGATE_COSMOS_CONTAINER', 'a/b'],
    ['HEADGATE_COSMOS_KEY', 'C2y6yDjf5R0ob0N8A7Cgv30VRDJIWEHLM=='],
    ['HEADGATE_COSMOS_KEY', 'db://cosmos'],
    ['HEADGATE_COSMOS_TTL_DAYS', '0'],
    ['HEADGATE_COSMOS_FROM', '2026-13-01'],
    ['HEADGATE_COSMOS_FROM', '9999-01-01'],
    ['HEADGATE_SINK_LAG_SECONDS', 'soon'],
  ])('%s=%s is refused by name, and its value is not repeated', (name, value) => {
    const [fault, ...others] = faultsOf({ ...good, ...endpoint, [name]: value })
    expect(others).toEqual([])
    expect(fault).toContain(`  ${name} `)
    expect(fault).not.toContain(value)
  })

  test('settings of a sink that is not there, and a key that is nowhere, are told together', () => {
    const faults = faultsOf({
      ...good,
      HEADGATE_COSMOS_KEY: 'env://COSMOS_KEY',
      HEADGATE_COSMOS_DATABASE: 'x',
    })
    expect(faults.map((line) => line.trim().split(' ')[0])).toEqual([
      'HEADGATE_COSMOS_ENDPOINT',
      'COSMOS_KEY',
    ])
  })
})
