/** What the admin API does with the catalog. Every change makes the next version; this shows and restores them. */
import type { catalog } from '@headgate/admin-contract/catalog'
import type { Handlers } from '@headgate/admin-contract/operation'
import { CatalogDocument } from '@headgate/domain/catalog'
import { catalogDifferences } from '@headgate/domain/catalog-difference'
import { markKeyUnpublished } from '../../database/owner.ts'
import { found, type HandlerContext, notFound } from '../context.ts'
import { listCatalogStamps, readCatalogStamp, readCatalogVersion, versionBefore } from './queries.ts'
import { restoreRows } from './restore.ts'

/** Gateways say something every five seconds or so. */
const LIVE_MS = 15_000

const none = { version: 0, compiledAt: null, author: null, message: null, checksum: null }

export const catalogHandlers: Handlers<typeof catalog, HandlerContext> = {
  read: async (_, { db }) => (await readCatalogStamp(db)) ?? none,
  versions: ({ query }, { db }) => listCatalogStamps(db, query),
  readVersion: async ({ params }, { db }) => found(await readCatalogVersion(db, numberOf(params.version))),
  gateways: async (_, { db, nowMs, servingGateways }) => {
    const version = (await readCatalogStamp(db))?.version ?? 0
    const data = (await servingGateways()).map(({ gatewayId, version: serving, seenAtMs }) => ({
      gatewayId,
      version: serving,
      seenAt: new Date(seenAtMs).toISOString(),
      isLive: serving === version && seenAtMs > nowMs - LIVE_MS,
    }))
    const heard = data.filter((it) => Date.parse(it.seenAt) > nowMs - LIVE_MS)
    return { version, live: heard.filter((it) => it.isLive).length, known: heard.length, data }
  },
  compare: async ({ params, query }, { db }) => {
    const to = numberOf(params.version)
    const after = await documentOf(db, to)
    const from = query.from ?? (await versionBefore(db, to))
    const before = from === null ? null : await documentOf(db, from)
    return { from, to, data: catalogDifferences(before, after) }
  },
  restore: async ({ params, body }, { db, now, keyChanged }) => {
    const version = numberOf(params.version)
    const target = await documentOf(db, version)
    const current = found(await readCatalogStamp(db))
    const { differences: data, keyIds } = await restoreRows(db, { target, now })
    const reply = { restored: version, data }
    if (data.length === 0) return { changed: false, reply }
    for (const keyId of keyIds) {
      await markKeyUnpublished(db, keyId)
      keyChanged(keyId)
    }
    const before = { version: current.version }
    return { changed: true, reply, subjectId: String(version), before, after: reply, message: body.message }
  },
}

/** As this version reads it: what is new in a document since then has its default. */
async function documentOf(db: HandlerContext['db'], version: number): Promise<CatalogDocument> {
  return CatalogDocument.parse(found(await readCatalogVersion(db, version)).document)
}

function numberOf(version: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(version)) throw notFound()
  return Number(version)
}
