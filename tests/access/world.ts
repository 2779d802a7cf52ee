/** Two teams with one of everything each, and somebody of each role: for the organisation, and for the first team. */
import { adminClient } from '@headgate/admin-contract/client'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { idSource } from '@headgate/domain/id'
import { Role } from '@headgate/domain/role'
import { type TestPlane, until } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'

const HOUR_MS = 3_600_000
const soon = () => new Date(Date.now() + HOUR_MS).toISOString()

/** One of everything that can belong to a team, by the words of `expected-rights.ts`. */
async function thingsOf({ client, db }: TestPlane, name: string) {
  const team = await client.teams.create({ body: { name } })
  const app = await client.apps.create({ body: { teamId: team.id, name } })
  const user = await client.users.create({ body: { teamId: team.id, name } })
  const key = await client.keys.create({ body: { appId: app.id, name } })
  await client.keyRotations.create({ params: { keyId: key.id }, body: {} })
  const limit = await client.limits.create({
    body: { ownerId: app.id, parentId: null, measure: 'requests_per_minute', amount: 10 },
  })
  const resource = await client.resources.create({
    body: {
      ...{ name: `of-${name}`, apiStyle: 'openai', origin: 'https://api.openai.com' },
      secretRef: 'env://OPENAI_API_KEY' as never,
    },
  })
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name: 'main', requestsPerMinute: 100, tokensPerMinute: 1_000 },
  })
  const limitOfQuota = await client.limits.create({
    body: { ownerId: user.id, parentId: quota.id, measure: 'tokens_per_minute', amount: 10 },
  })
  const budget = await client.budgets.create({
    body: {
      ...{ ownerId: app.id, name, currency: 'USD', amountNanos: 1_000_000_000 },
      ...{ period: { kind: 'month' }, steps: [{ atPercent: 80, action: 'alert' }] },
    },
  })
  const override = await client.budgetOverrides.create({
    body: { budgetId: budget.id, amountNanos: 1_000, reason: 'a launch' },
  })
  const policy = await client.policies.create({ body: { name, ownerId: app.id } })
  const token = await tokenFor({ client }, { role: 'viewer', teamIds: [team.id] })
  const record = { ...usageRecord(0), teamId: team.id, appId: app.id, keyId: key.id, userId: user.id }
  const requestId = idSource()('req', Date.parse(record.startedAt))
  await usageStore(db).store([{ ...record, requestId }])
  const scopedAdmin = await tokenFor({ client }, { role: 'admin', teamIds: [team.id] })
  return {
    ...{ team: team.id, app: app.id, user: user.id, key: key.id, limit: limit.id, budget: budget.id },
    ...{ quota: quota.id, limitOfQuota: limitOfQuota.id },
    override: override.id,
    ...{ policy: policy.id, token: token.id, request: requestId, adminSecret: scopedAdmin.secret },
  }
}

type Wanted = { readonly role: Role; readonly teamIds: string[] | null }

function tokenFor({ client }: Pick<TestPlane, 'client'>, wanted: Wanted) {
  return client.apiTokens.create({ body: { name: `${wanted.role} token`, expiresAt: soon(), ...wanted } })
}

async function exportOf(plane: TestPlane, secret: string): Promise<string> {
  const client = adminClient({ origin: plane.plane.adminUrl, token: secret })
  const made = await client.exports.create({ body: { kind: 'records', question: '' } })
  await until(
    async () => (await client.exports.read({ params: { exportId: made.id } })).state === 'done',
    'it',
  )
  return made.id
}

async function scheduleOf(plane: TestPlane, secret: string): Promise<string> {
  const client = adminClient({ origin: plane.plane.adminUrl, token: secret })
  const body = { name: 'each month', kind: 'records', every: 'month' } as const
  return (await client.exportSchedules.create({ body })).id
}

export type Somebody = { readonly role: Role; readonly isScoped: boolean; readonly secret: string }

/** The whole world, with everybody in it. */
export async function accessWorld(plane: TestPlane) {
  const [mine, other] = [await thingsOf(plane, 'mine'), await thingsOf(plane, 'other')]
  const withExport = async (it: typeof mine) => ({
    ...it,
    export: await exportOf(plane, it.adminSecret),
    schedule: await scheduleOf(plane, it.adminSecret),
  })
  const people: Somebody[] = []
  for (const role of Role.options)
    for (const isScoped of [false, true]) {
      const teamIds = isScoped ? [mine.team] : null
      people.push({ role, isScoped, secret: (await tokenFor(plane, { role, teamIds })).secret })
    }
  return { mine: await withExport(mine), other: await withExport(other), people }
}
export type AccessWorld = Awaited<ReturnType<typeof accessWorld>>
