/** A simulation says what the gateway then does: the same verdict, in the same words, at the same deployments. */
import { type CatalogDocument, openCatalog } from '@headgate/domain/catalog'
import { LimitRule } from '@headgate/domain/limit'
import { NewModelEntry } from '@headgate/domain/model-entry'
import { NewPolicy, type Policy } from '@headgate/domain/policy'
import { Route } from '@headgate/domain/route'
import { SimulatedLedger } from '@headgate/domain/simulated-ledger'
import { simulate } from '@headgate/domain/simulation'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { budget, CENT, errorOf } from './budget-world.ts'
import { recordsNamed } from './demo-keys.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
afterEach(() => gateway.stop())

const createdAt = '2026-01-01T00:00:00Z'
const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`

type Call = {
  model: string
  text: string
  maxTokens: number | null
  n: number
  plan: string | null
  key: string
}

const anyCall: fc.Arbitrary<Call> = fc.record({
  model: fc.constantFrom('chosen', 'gpt-4o', 'gpt-4o-mini', 'failover-500', 'nowhere', 'unpriced'),
  text: fc.integer({ min: 1, max: 3000 }).map((length) => 'x'.repeat(length)),
  maxTokens: fc.option(fc.integer({ min: 1, max: 900 })),
  n: fc.constantFrom(1, 2),
  plan: fc.constantFrom(null, 'gold', 'lead'),
  key: fc.constantFrom('normal', 'normal', 'normal', 'two models', 'expired', 'disabled', 'revoked'),
})

const cap = fc.option(fc.integer({ min: 1, max: 400 }), { freq: 2 })
const anyPolicy = fc.record({
  deniedModels: fc.option(fc.subarray(['gpt-4o', 'chosen'])),
  outputTokensMax: cap,
  inputTokensMax: cap,
  choicesMax: fc.constantFrom(null, 1, 2),
  mode: fc.constantFrom<Policy['mode']>('enforce', 'shadow'),
})

async function start(budgetNanos = 20 * CENT) {
  gateway = await startGateway({
    models: ['unpriced'],
    routes: { chosen: [['gpt-4o'], ['gpt-4o-mini']] },
    limits: ({ teamId }) => [
      LimitRule.parse({
        ...{ id: id('lim', 1), teamId, ownerId: teamId, parentId: null, quotaId: null, model: null },
        ...{ measure: 'tokens_per_day', amount: 60_000, share: null, guarantee: null, borrows: false },
      }),
    ],
    budgets: ({ teamId, appId }) => [
      budget(teamId, teamId, {
        amountNanos: budgetNanos,
        steps: [
          { action: 'downshift', atPercent: 2, model: 'gpt-4o-mini', insteadOf: ['gpt-4o'] },
          { action: 'block', atPercent: 100 },
        ],
      }),
      budget(teamId, appId, { amountNanos: 1000 * CENT, steps: [] }),
    ],
  })
  return gateway
}

/** Publishes a catalog with these policies and a route with rules, and waits until it is served from. */
async function publish(policies: readonly Partial<Policy>[]): Promise<CatalogDocument> {
  let published: CatalogDocument | undefined
  const version = await gateway.publish((document) => {
    const deployment = (name: string) => document.deployments.find((it) => it.name === name)!.id
    const aliasId = document.aliases.find((it) => it.name === 'chosen')!.id
    const tiers = [[{ deploymentId: deployment('gpt-4o-mini') }]]
    const rules = [
      { name: 'gold', when: when('gold'), tiers, choice: 'weighted' },
      {
        name: 'lead',
        when: when('lead'),
        tiers: [[{ deploymentId: deployment('v1.gpt-4o') }]],
        choice: 'sticky',
      },
    ]
    const routes = document.routes.map((it) => (it.aliasId === aliasId ? Route.parse({ ...it, rules }) : it))
    const all = policies.map((it, n): Policy => {
      const whole = NewPolicy.parse({ name: `Policy ${n}`, ownerId: null, ...it })
      return { ...whole, id: id('pol', n), createdAt }
    })
    published = { ...document, routes, policies: all, modelEntries }
    return published
  })
  await expect
    .poll(async () => (await reply({ ...call, key: 'normal' })).headers['x-headgate-config-version'], {
      timeout: 10_000,
    })
    .toBe(String(version))
  return published!
}

/** One serves no chat at Azure, the other's answers are shorter than callers may ask for. */
const modelEntries = [
  { name: 'gpt-4o', provider: 'azure', endpoints: ['embeddings'] },
  { name: 'gpt-4o-mini', outputTokensMax: 300 },
].map((it, n) => ({ ...NewModelEntry.parse(it), id: id('mdl', n), createdAt }))

const call: Call = { model: 'gpt-4o-mini', text: 'x', maxTokens: 1, n: 1, plan: null, key: 'normal' }
const when = (plan: string) => ({
  ...{ teamIds: null, appIds: null, endpoints: null, times: null },
  tags: [{ name: 'plan', values: [plan] }],
})

function bodyOf({ model, text, maxTokens, n }: Call) {
  return chatBody(model, {
    ...(maxTokens !== null && { max_completion_tokens: maxTokens }),
    ...(n > 1 && { n }),
    messages: [{ role: 'user', content: text }],
  })
}

function reply(it: Call) {
  const names: Record<string, string> = { 'two models': gateway.keys.twoModels }
  const secrets: Record<string, unknown> = { ...gateway.keys }
  return send(gateway.origin, {
    headers: {
      authorization: `Bearer ${names[it.key] ?? secrets[it.key]}`,
      ...(it.plan !== null && { 'x-headgate-tags': `plan=${it.plan}` }),
    },
    body: bodyOf(it),
  })
}

async function compare(it: Call, document: CatalogDocument): Promise<string> {
  const before = gateway.records().length
  const [key] = recordsNamed(gateway.keys, it.key)
  const bytes = Buffer.byteLength(bodyOf(it))
  const atMs = Date.now()
  const ledger = new SimulatedLedger((pools) => gateway.ledger.look(pools), atMs)
  const simulated = await simulate(
    {
      ...{ key, model: it.model, endpoint: 'chat.completions', atMs, session: null, requestBytes: bytes },
      ...{ inputTokens: Math.ceil(bytes / 4), outputTokens: it.maxTokens, choices: it.n },
      tags: new Map(it.plan === null ? [] : [['plan', it.plan]]),
    },
    { catalog: openCatalog(document), ledger },
  )
  gateway.fake.reset()
  const answer = await reply(it)
  const tried = gateway.fake.record().length
  await gateway.recordsWhen(before + Math.max(1, tried))
  if (simulated.refusal !== null) {
    const error = errorOf(answer)
    expect([answer.status, error.code]).toEqual([simulated.refusal.status, simulated.refusal.code])
    const sentence = simulated.refusal.detail.public
    // What is told of a wait has chance in it.
    if (sentence !== undefined && simulated.refusal.detail.retryAfterMs === undefined)
      expect(error.message).toBe(sentence)
    return simulated.refusal.code
  }
  expect(answer.status).toBe(200)
  const names = simulated.offers.map((offer) => offer.deployment.name)
  expect(answer.headers['x-headgate-deployment']).toBe(names[tried - 1])
  const last = simulated.routes.at(-1)
  expect(answer.headers['x-headgate-route'] ?? null).toBe(last?.rule ?? null)
  expect(answer.headers['x-headgate-model']).toBe(last?.model)
  const from = answer.headers['x-headgate-downshifted-from']
  expect(from === undefined).toBe(simulated.downshiftedTo === null)
  return from === undefined ? 'served' : 'downshifted'
}

test('simulator and gateway agree on every generated call, under generated policies', async () => {
  await start()
  const seen = new Set<string>()
  const rounds = fc.sample(
    fc.noBias(
      fc.tuple(fc.array(anyPolicy, { maxLength: 2 }), fc.array(anyCall, { minLength: 25, maxLength: 25 })),
    ),
    {
      numRuns: 20,
      seed: 20_261_127,
    },
  )
  for (const [policies, calls] of rounds) {
    const document = await publish(policies)
    for (const it of calls) seen.add(await compare(it, document))
  }
  // What the cases must have met, or the comparison says little.
  const wanted = [
    'served',
    'downshifted',
    'model_not_found',
    'model_not_allowed',
    'max_tokens_over_cap',
    'price_unknown',
  ]
  const more = ['context_length_exceeded', 'choices_over_cap', 'key_expired', 'key_disabled', 'key_revoked']
  expect([...seen]).toEqual(expect.arrayContaining([...wanted, ...more]))
})

test('they agree while a limit of the day runs out', async () => {
  await start()
  const document = await publish([])
  const seen: string[] = []
  const large = { ...call, model: 'gpt-4o-mini', text: 'x'.repeat(40_000), maxTokens: 10 }
  for (let i = 0; i < 1200 && !seen.includes('limit_tokens'); i++) seen.push(await compare(large, document))
  expect(seen.at(-1)).toBe('limit_tokens')
  expect(seen).toContain('served')
})

test('they agree while a budget runs out', async () => {
  await start(2 * CENT)
  const document = await publish([])
  const seen: string[] = []
  const dear = { ...call, model: 'failover-500', text: 'x'.repeat(4_000), maxTokens: 900 }
  for (let i = 0; i < 60 && seen.at(-1) !== 'budget_exhausted'; i++) seen.push(await compare(dear, document))
  expect(seen.at(-1)).toBe('budget_exhausted')
  expect(seen).toContain('served')
})
