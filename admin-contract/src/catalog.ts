/** The catalog in the admin API: which version is in force, who made it and why. */
import { z } from 'zod'
import { operation } from './operation.ts'

export const CatalogVersion = z.object({
  /** 0 when there is none yet. */
  version: z.int().min(0),
  compiledAt: z.iso.datetime({ offset: true }).nullable(),
  author: z.string().nullable(),
  /** What made this version, as the audit event's action. */
  message: z.string().nullable(),
  /** SHA-256 of the document with its keys sorted, in hex. */
  checksum: z.string().nullable(),
})
export type CatalogVersion = z.infer<typeof CatalogVersion>

export const catalog = {
  read: operation({
    method: 'GET',
    path: '/catalog',
    role: 'viewer',
    summary: 'Reads the current catalog version.',
    reply: CatalogVersion,
  }),
}
