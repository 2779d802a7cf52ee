/** The catalog in the admin API: its versions, who made them and why, what differs, and which gateways serve which. */
import { CatalogDifference } from '@headgate/domain/catalog-difference'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

const Version = z.int().min(1)

export const CatalogVersion = z.object({
  /** 0 when there is none yet. */
  version: z.int().min(0),
  compiledAt: z.iso.datetime({ offset: true }).nullable(),
  author: z.string().nullable(),
  /** What made this version: the message of who published it, or the audit event's action. */
  message: z.string().nullable(),
  /** SHA-256 of the document with its keys sorted, in hex. */
  checksum: z.string().nullable(),
})
export type CatalogVersion = z.infer<typeof CatalogVersion>

/** A gateway and what it serves from. */
const ServingGateway = z.object({
  gatewayId: z.string(),
  version: z.int().min(0),
  seenAt: z.iso.datetime(),
  /** Heard of lately and serving from the version in force. */
  isLive: z.boolean(),
})

const one = '/catalog/versions/{version}'

export const catalog = {
  read: operation({
    method: 'GET',
    path: '/catalog',
    right: 'catalog.read',
    summary: 'Reads the current catalog version.',
    reply: CatalogVersion,
  }),
  gateways: operation({
    method: 'GET',
    path: '/catalog/gateways',
    right: 'catalog.read',
    summary: 'Tells how many of the gateways serve from the current version, and what each serves from.',
    reply: z.object({
      version: z.int().min(0),
      /** "Live on `live` of `known`". */
      live: z.int().min(0),
      known: z.int().min(0),
      data: z.array(ServingGateway),
    }),
  }),
  versions: operation({
    method: 'GET',
    path: '/catalog/versions',
    right: 'catalog.read',
    summary: 'Lists the versions of the catalog, newest first.',
    query: PageQuery,
    reply: pageOf(CatalogVersion),
  }),
  readVersion: operation({
    method: 'GET',
    path: one,
    right: 'catalog.read',
    summary: 'Reads one version of the catalog with all that gateways were told.',
    reply: CatalogVersion.extend({ document: z.unknown() }),
  }),
  compare: operation({
    method: 'GET',
    path: `${one}/differences`,
    right: 'catalog.read',
    summary: 'Compares a version with an earlier one; with the one before it, unless `from` names another.',
    query: z.strictObject({
      from: z.coerce
        .number<string | number>()
        .int()
        .min(1)
        .optional()
        .meta({ description: 'The version to compare with.' }),
    }),
    reply: z.object({ from: Version.nullable(), to: Version, data: z.array(CatalogDifference) }),
  }),
  restore: operation({
    method: 'POST',
    path: `${one}/rollback`,
    right: 'catalog.restore',
    audit: 'catalog.restored',
    changesCatalog: true,
    status: 200,
    summary:
      'Brings resources, quotas, deployments, aliases, routes, policies and limits back to what they were in a version, as a new version. Teams, apps, keys, prices and budgets stay as they are.',
    body: z.strictObject({ message: z.string().trim().min(1).max(500) }),
    reply: z.object({ restored: Version, data: z.array(CatalogDifference) }),
  }),
}
