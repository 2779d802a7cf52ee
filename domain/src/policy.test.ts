/** The rule of policies: deny wins, then the narrowest level that speaks; of caps the smallest; shadows refuse nothing. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rounds } from '../../tests/servers/rounds.ts'
import { decide, judgeModel, NewPolicy, Policy, PolicyChange, type Question } from './policy.ts'
import { standingsOf } from './standing.ts'

const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`
const [TEAM, APP, KEY, RES] = [
  id('team', 1),
  id('app', 1),
  id('key', 1),
  [id('res', 0), id('res', 1)],
] as const
/** From the narrowest level to the widest. */
const LEVELS = [KEY, APP, TEAM, null]
const STRANGERS = [id('team', 2), id('app', 2), id('key', 2)]
const MODELS = ['a', 'b', 'c']
const ENDPOINTS = ['chat.completions', 'embeddings'] as const

let made = 0
function policy(changes: Partial<Policy>): Policy {
  const name = `p${++made}`
  return Policy.parse({
    ...NewPolicy.parse({ name, ownerId: null }),
    ...{ id: id('pol', made), createdAt: '2026-01-01T00:00:00Z' },
    ...changes,
  })
}

type Own = { team?: string[] | null; app?: string[] | null; key?: string[] | null }

function standing(policies: readonly Policy[], own: Own = {}) {
  const teams = [{ id: TEAM, allowedModels: own.team ?? null }]
  const apps = [{ id: APP, teamId: TEAM, allowedModels: own.app ?? null }]
  return standingsOf({ teams, apps, policies })({ id: KEY, appId: APP, allowedModels: own.key ?? null })
}

type Candidate = { resource: { id: string } }
const candidates: readonly Candidate[] = RES.map((it) => ({ resource: { id: it } }))

function question(changes: Partial<Question<Candidate>> = {}): Question<Candidate> {
  return {
    ...{ endpoint: 'chat.completions', model: 'a', candidates },
    ...{ requestBytes: 100, inputTokens: 10, outputTokens: null, choices: 1 },
    ...changes,
  }
}

function codeOf(policies: readonly Policy[], changes: Partial<Question<Candidate>> = {}, own: Own = {}) {
  const decision = decide(standing(policies, own).enforced, question(changes))
  return decision.allowed ? null : decision.refusal.code
}

const list = <T>(names: readonly T[]) => fc.option(fc.subarray([...names]), { nil: null })
const cap = fc.option(fc.integer({ min: 1, max: 40 }), { nil: null })
const policies = fc.array(
  fc
    .record({
      ownerId: fc.constantFrom(...LEVELS, ...STRANGERS),
      mode: fc.constantFrom('enforce' as const, 'shadow' as const),
      ...{ allowedModels: list(MODELS), deniedModels: list(MODELS) },
      ...{ allowedEndpoints: list(ENDPOINTS), deniedEndpoints: list(ENDPOINTS) },
      ...{ allowedResources: list(RES), deniedResources: list(RES) },
      ...{ inputTokensMax: cap, outputTokensMax: cap, choicesMax: cap, requestBytesMax: cap },
    })
    .map(policy),
  { maxLength: 5 },
)
const own = fc.record({ team: list(MODELS), app: list(MODELS), key: list(MODELS) })
const questions = fc
  .record({
    endpoint: fc.constantFrom(...ENDPOINTS),
    model: fc.constantFrom(...MODELS),
    ...{ requestBytes: fc.nat(50), inputTokens: fc.nat(50), choices: fc.integer({ min: 1, max: 50 }) },
    outputTokens: fc.option(fc.nat(50), { nil: null }),
  })
  .map(question)

/** The rule as the guide tells it, one sentence after the other, without any preparation. */
function allowsName(
  said: readonly Policy[],
  kind: 'Models' | 'Endpoints' | 'Resources',
  name: string,
  own: Own,
) {
  const mine = said.filter((it) => LEVELS.includes(it.ownerId))
  if (mine.some((it) => it[`denied${kind}`]?.includes(name as never))) return false
  for (const level of LEVELS) {
    const lists = mine
      .filter((it) => it.ownerId === level)
      .map((it) => it[`allowed${kind}`] as string[] | null)
    const ownLists = { [KEY]: own.key, [APP]: own.app, [TEAM]: own.team } as Record<string, string[] | null>
    if (kind === 'Models' && level !== null) lists.push(ownLists[level] ?? null)
    const speaking = lists.filter((it) => it !== null)
    if (speaking.length > 0) return speaking.every((it) => it.includes(name))
  }
  return true
}

function isAllowed(said: readonly Policy[], asked: Question<Candidate>, own: Own): boolean {
  const fits = (
    count: number,
    field: 'inputTokensMax' | 'outputTokensMax' | 'choicesMax' | 'requestBytesMax',
  ) => said.every((it) => !LEVELS.includes(it.ownerId) || count <= (it[field] ?? Number.POSITIVE_INFINITY))
  return (
    allowsName(said, 'Endpoints', asked.endpoint, own) &&
    allowsName(said, 'Models', asked.model, own) &&
    RES.some((it) => allowsName(said, 'Resources', it, own)) &&
    fits(asked.requestBytes, 'requestBytesMax') &&
    fits(asked.inputTokens, 'inputTokensMax') &&
    fits(asked.outputTokens ?? 0, 'outputTokensMax') &&
    fits(asked.choices, 'choicesMax')
  )
}

describe('a decision', () => {
  test('follows the rule whatever the policies say, and leaves exactly the resources that are allowed', () => {
    fc.assert(
      fc.property(policies, own, questions, (said, own, asked) => {
        const enforced = said.filter((it) => it.mode === 'enforce')
        const decision = decide(standing(said, own).enforced, asked)
        expect(decision.allowed).toBe(isAllowed(enforced, asked, own))
        if (!decision.allowed) return
        const left = RES.filter((it) => allowsName(enforced, 'Resources', it, own))
        expect(decision.candidates.map((it) => it.resource.id)).toEqual(left)
      }),
      { numRuns: rounds(2000) },
    )
  })

  test('of shadow policies is what enforcing them would bring, and only a shadow policy is named for it', () => {
    fc.assert(
      fc.property(policies, own, questions, (said, own, asked) => {
        const { enforced, shadow } = standing(said, own)
        const first = decide(enforced, asked)
        if (!first.allowed) return
        const decision = decide(shadow, { ...asked, candidates: first.candidates })
        expect(decision.allowed).toBe(isAllowed(said, asked, own))
        if (decision.allowed) return
        const named = said.find((it) => it.id === decision.refusal.by.policy?.id)
        expect(named?.mode).toBe('shadow')
      }),
      { numRuns: rounds(2000) },
    )
  })

  test('does not depend on the policies of others, nor on the order they are listed in', () => {
    fc.assert(
      fc.property(policies, own, questions, (said, own, asked) => {
        const verdict = (all: readonly Policy[]) => decide(standing(all, own).enforced, asked).allowed
        expect(verdict(said.filter((it) => LEVELS.includes(it.ownerId)))).toBe(verdict(said))
        expect(verdict([...said].reverse())).toBe(verdict(said))
      }),
      { numRuns: rounds(500) },
    )
  })
})

test('a deny at any level wins over every allow', () => {
  for (const ownerId of LEVELS) {
    const denying = policy({ ownerId, deniedModels: ['a'] })
    expect(codeOf([denying, policy({ ownerId: KEY, allowedModels: ['a'] })])).toBe('model_not_allowed')
  }
})

test('the narrowest level that speaks decides, also against a wider one', () => {
  const wide = policy({ ownerId: TEAM, allowedModels: ['b'] })
  expect(codeOf([wide])).toBe('model_not_allowed')
  expect(codeOf([wide, policy({ ownerId: APP, allowedModels: ['a'] })])).toBeNull()
  expect(codeOf([wide], {}, { key: ['a'] })).toBeNull()
  expect(codeOf([policy({ ownerId: APP, allowedEndpoints: [] })], {}, { key: ['a'] })).toBe(
    'endpoint_not_allowed',
  )
})

test('two lists on one level must both hold the name', () => {
  const lists = [
    policy({ ownerId: TEAM, allowedModels: ['a'] }),
    policy({ ownerId: TEAM, allowedModels: ['a', 'b'] }),
  ]
  expect(codeOf(lists)).toBeNull()
  expect(codeOf(lists, { model: 'b' })).toBe('model_not_allowed')
})

test('the models of team, app and key follow the same rule', () => {
  expect(codeOf([], {}, { team: ['b'], key: ['a'] })).toBeNull()
  expect(codeOf([], {}, { team: ['a'], key: ['b'] })).toBe('model_not_allowed')
  expect(codeOf([], {}, { app: [] })).toBe('model_not_allowed')
  expect(codeOf([policy({ ownerId: TEAM, deniedModels: ['a'] })], {}, { key: ['a'] })).toBe(
    'model_not_allowed',
  )
})

test('the table of the guide is true, row by row', () => {
  const guide = readFileSync(new URL('../../docs/guides/policies.md', import.meta.url), 'utf8')
  const [, table = ''] = guide.split('| Organisation | Team | App | Key | Answer |\n|---|---|---|---|---|\n')
  const rows = table
    .split('\n\n')[0]!
    .split('\n')
    .map((row) => row.slice(1, -1).split('|'))
  expect(rows).toHaveLength(7)
  for (const [organisation = '', team = '', app = '', key = '', answer = ''] of rows) {
    const cells: [string | null, string][] = [
      [null, organisation],
      [TEAM, team],
      [APP, app],
      [KEY, key],
    ]
    const said = cells.flatMap(([ownerId, cell]) =>
      cell.split(';').flatMap((rule) => {
        const [, what, name] = /(allow|deny) (nothing|`[^`]+`)/.exec(rule) ?? []
        const names = name === 'nothing' ? [] : [name?.slice(1, -1) ?? '']
        if (what === undefined) return []
        return [policy({ ownerId, [what === 'deny' ? 'deniedModels' : 'allowedModels']: names })]
      }),
    )
    expect([answer, codeOf(said, { model: 'gpt-4o' })]).toEqual([
      answer,
      answer.trim().startsWith('yes') ? null : 'model_not_allowed',
    ])
  }
})

test('where nobody speaks there are no rules at all to look up', () => {
  const elsewhere = policy({ ownerId: STRANGERS[0]!, deniedModels: ['a'] })
  expect(standing([elsewhere])).toEqual({ enforced: null, shadow: null })
  expect(standing([policy({ mode: 'shadow', deniedModels: ['a'] })]).enforced).toBeNull()
})

test('a key of an app the catalog does not know may use nothing, whatever its own list says', () => {
  const find = standingsOf({ teams: [], apps: [], policies: [] })
  const { enforced } = find({ id: KEY, appId: APP, allowedModels: ['a'] })
  expect(judgeModel(enforced, 'a', candidates)?.code).toBe('model_not_allowed')
})

test('a standing is made once and found again for the same key', () => {
  const find = standingsOf({
    teams: [],
    apps: [{ id: APP, teamId: TEAM, allowedModels: null }],
    policies: [],
  })
  const key = { id: KEY, appId: APP, allowedModels: ['a'] }
  expect(find(key)).toBe(find(key))
})

test.each([
  ['inputTokensMax', 'context_length_exceeded', { inputTokens: 11 }],
  ['outputTokensMax', 'max_tokens_over_cap', { outputTokens: 11 }],
  ['choicesMax', 'choices_over_cap', { choices: Number.POSITIVE_INFINITY }],
  ['requestBytesMax', 'body_too_large', { requestBytes: 11 }],
] as const)(
  '%s holds at its figure and refuses above it, with count, cap and place',
  (field, code, asked) => {
    const within = { requestBytes: 10, inputTokens: 10, outputTokens: 10, choices: 10 }
    const [wide, narrow] = [policy({ [field]: 10 }), policy({ ownerId: KEY, [field]: 20 })]
    expect(codeOf([wide, narrow], within)).toBeNull()
    const decision = decide(standing([wide, narrow]).enforced, question({ ...within, ...asked }))
    expect(decision).toMatchObject({
      allowed: false,
      refusal: { code, max: 10, by: { level: 'organisation', policy: { id: wide.id } } },
    })
  },
)

describe('the shape of a policy', () => {
  test.each([
    [{ name: 'x' }, 'without an owner, though null would do'],
    [{ name: 'x', ownerId: id('usr', 1) }, 'of a user'],
    [{ name: 'x', ownerId: null, allowedEndpoints: ['chat'] }, 'with an endpoint there is not'],
    [{ name: 'x', ownerId: null, choicesMax: 0 }, 'with a cap of zero'],
    [{ name: 'x', ownerId: null, surprise: 1 }, 'with a field there is not'],
  ])('%j is refused: %s', (body, _what) => {
    expect(NewPolicy.safeParse(body).success).toBe(false)
  })

  test('a change fills nothing in, so that what is left out stays as it was', () => {
    expect(PolicyChange.parse({ mode: 'shadow' })).toEqual({ mode: 'shadow' })
    expect(PolicyChange.safeParse({ id: id('pol', 1) }).success).toBe(false)
  })

  test('an endpoint that only a later version serves does not keep a gateway from reading the policy', () => {
    expect(policy({ deniedEndpoints: ['files.create'] }).deniedEndpoints).toEqual(['files.create'])
  })
})
