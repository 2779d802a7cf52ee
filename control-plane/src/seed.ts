/**
 * Puts the demo in, for evaluation: a team and an app, two providers that are both the fake upstream, three
 * models with routes and prices, one key. Safe to repeat; what is there already is left as it is, but for the
 * fake upstream's address, which may differ at each start. All of it goes through changes, so it is audited.
 */
import type { Change } from '@headgate/admin-contract/operation'
import { NewPrice } from '@headgate/domain/price'
import type { SecretRef } from '@headgate/domain/secret-ref'
import { commitChange, type Home } from './change.ts'
import type { Database } from './database/open.ts'
import { appsHandlers } from './resources/apps/handlers.ts'
import type { HandlerContext } from './resources/context.ts'
import { deploymentsHandlers } from './resources/deployments/handlers.ts'
import { keysHandlers } from './resources/keys/handlers.ts'
import { modelAliasesHandlers } from './resources/model-aliases/handlers.ts'
import { pricesHandlers } from './resources/prices/handlers.ts'
import { resourcesHandlers } from './resources/resources/handlers.ts'
import { setLoopbackOrigin } from './resources/resources/queries.ts'
import { routesHandlers } from './resources/routes/handlers.ts'
import { teamsHandlers } from './resources/teams/handlers.ts'

const ACTOR = 'system'
const SECRET_REF = 'env://DEMO_UPSTREAM_KEY' as SecretRef
const PRICED_FROM = '2026-01-01T00:00:00Z'
const KEY_NAME = 'demo-key'

/** Prices in nanos of a dollar per million tokens: 150 000 000 is 15 cents. */
const models = [
  { name: 'demo-chat', azure: true, input: 150_000_000, cached: 75_000_000, output: 600_000_000 },
  {
    name: 'demo-chat-large',
    azure: false,
    input: 2_500_000_000,
    cached: 1_250_000_000,
    output: 10_000_000_000,
  },
  { name: 'demo-embed', azure: false, input: 20_000_000, cached: 20_000_000, output: 0 },
] as const
type Model = (typeof models)[number]

export type SeedPlan = {
  /** Where the fake upstream listens, as http://127.0.0.1:40123. */
  readonly fakeUpstreamOrigin: string
}

export type Seeded = {
  /** The demo key's secret when it was made just now; null ever after. */
  readonly secret: string | null
}

/** Puts in what is missing. @throws AdminProblem when something with a demo name is in the way */
export async function seedEvaluation(home: Home, { fakeUpstreamOrigin }: SeedPlan): Promise<Seeded> {
  const teamId = await ensure(home, 'team.created', {
    find: (db) => db.selectFrom('teams').select('id').where('name', '=', 'demo-team').executeTakeFirst(),
    make: (context) => teamsHandlers.create(call({ name: 'demo-team', allowedModels: null }), context),
  })
  const appId = await ensure(home, 'app.created', {
    find: (db) =>
      db
        .selectFrom('apps')
        .select('id')
        .where('teamId', '=', teamId)
        .where('name', '=', 'demo-app')
        .executeTakeFirst(),
    make: (context) =>
      appsHandlers.create(
        call({ teamId, name: 'demo-app', allowedModels: null, rotationRule: null }),
        context,
      ),
  })
  const resourceId = await ensureResource(home, {
    name: 'demo',
    apiStyle: 'openai',
    origin: fakeUpstreamOrigin,
  })
  const azureId = await ensureResource(home, {
    name: 'demo-azure',
    apiStyle: 'azure-v1',
    origin: fakeUpstreamOrigin,
  })
  for (const model of models) await ensureModel(home, model, { resourceId, azureId })
  return { secret: await ensureKey(home, appId) }
}

type Ensuring = {
  readonly find: (db: Database) => Promise<{ id: string } | undefined>
  readonly make: (context: HandlerContext) => Promise<Change<{ id: string }>>
}

/** The id of what is there, or of what is made now. */
async function ensure(home: Home, action: string, { find, make }: Ensuring): Promise<string> {
  const there = await find(home.db)
  if (there !== undefined) return there.id
  const made = await commitChange(home, intentOf(home, action, true), async (context) => {
    // Looked for again under the catalog's lock: another process may be seeding as well.
    const meanwhile = await find(context.db)
    return meanwhile === undefined ? make(context) : { changed: false, reply: meanwhile }
  })
  return made.id
}

function intentOf(home: Home, action: string, changesCatalog: boolean) {
  return { actor: ACTOR, action, requestId: home.newId('req', home.clock.nowMs()), changesCatalog }
}

function call<T>(body: T) {
  return { params: {}, query: undefined, body }
}

async function ensureResource(
  home: Home,
  it: { name: string; apiStyle: 'openai' | 'azure-v1'; origin: string },
): Promise<string> {
  const id = await ensure(home, 'resource.created', {
    find: (db) => db.selectFrom('resources').select('id').where('name', '=', it.name).executeTakeFirst(),
    make: (context) =>
      resourcesHandlers.create(call({ ...it, apiVersion: null, secretRef: SECRET_REF }), context),
  })
  await commitChange(home, intentOf(home, 'resource.moved', true), ({ db }) =>
    setLoopbackOrigin(db, id, it.origin),
  )
  return id
}

/** Deployments, alias, route and price of one model; the Azure one, where there is one, is the second tier. */
async function ensureModel(
  home: Home,
  model: Model,
  at: { resourceId: string; azureId: string },
): Promise<void> {
  const first = await ensureDeployment(home, { name: model.name, model, resourceId: at.resourceId })
  const tiers = [[{ deploymentId: first, weight: 1 }]]
  if (model.azure) {
    const second = await ensureDeployment(home, {
      name: `${model.name}-azure`,
      model,
      resourceId: at.azureId,
    })
    tiers.push([{ deploymentId: second, weight: 1 }])
  }
  const aliasId = await ensure(home, 'model-alias.created', {
    find: (db) =>
      db.selectFrom('modelAliases').select('id').where('name', '=', model.name).executeTakeFirst(),
    make: (context) =>
      modelAliasesHandlers.create(call({ name: model.name, overridesModel: false }), context),
  })
  await ensure(home, 'route.created', {
    find: (db) => db.selectFrom('routes').select('id').where('aliasId', '=', aliasId).executeTakeFirst(),
    make: (context) =>
      routesHandlers.create(call({ aliasId, rules: [], tiers, choice: 'weighted' }), context),
  })
  const price = {
    model: model.name,
    currency: 'USD',
    lines: [
      { kind: 'input', nanos: model.input },
      { kind: 'cached_input', nanos: model.cached },
      { kind: 'output', nanos: model.output },
    ],
    effectiveFrom: PRICED_FROM,
    source: 'demo',
  } as const
  await ensure(home, 'price.created', {
    find: (db) => db.selectFrom('prices').select('id').where('model', '=', model.name).executeTakeFirst(),
    make: (context) => pricesHandlers.create(call(NewPrice.parse(price)), context),
  })
}

function ensureDeployment(
  home: Home,
  { name, model, resourceId }: { name: string; model: Model; resourceId: string },
): Promise<string> {
  const body = { name, resourceId, quotaId: null, upstreamModel: model.name, pricedAs: model.name }
  return ensure(home, 'deployment.created', {
    find: (db) => db.selectFrom('deployments').select('id').where('name', '=', name).executeTakeFirst(),
    make: (context) => deploymentsHandlers.create(call(body), context),
  })
}

/** Made the first time only: its secret cannot be shown again, and a second key would be nobody's. */
async function ensureKey(home: Home, appId: string): Promise<string | null> {
  const find = (db: Database) =>
    db
      .selectFrom('proxyKeys')
      .select('id')
      .where('appId', '=', appId)
      .where('name', '=', KEY_NAME)
      .executeTakeFirst()
  if ((await find(home.db)) !== undefined) return null
  const body = {
    name: KEY_NAME,
    appId,
    userId: null,
    environment: 'demo' as const,
    allowedModels: null,
    requestsPerMinute: 60,
    tokensPerMinute: 20_000,
    expiresAt: null,
    rotationRule: null,
  }
  const key = await commitChange(home, intentOf(home, 'key.created', false), (context) =>
    keysHandlers.create(call(body), context),
  )
  return key.secret
}
