/** A catalog as text, with the checksum that shows whether it arrived as it left. */
import { createHash } from 'node:crypto'
import { CatalogDocument } from '@headgate/domain/catalog'

/**
 * Reads a catalog from its JSON text.
 * @throws Error that says where it departs from the form
 */
export function parseCatalog(body: string): CatalogDocument {
  const result = CatalogDocument.safeParse(JSON.parse(body))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new Error(`the catalog does not have the form we know: ${issue?.path.join('.')}: ${issue?.message}`)
}

/** Hex SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
