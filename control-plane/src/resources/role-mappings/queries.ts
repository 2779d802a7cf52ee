/** The SQL of role mappings. */
import type { RoleMapping } from '@headgate/domain/role-mapping'
import type { Database } from '../../database/open.ts'

/** More than a directory is mapped to here; bounds what every request reads. */
export const MAPPINGS_MAX = 1_000

/** All of them, which are few. */
export function readMappings(db: Database): Promise<RoleMapping[]> {
  return db.selectFrom('roleMappings').selectAll().orderBy('id').limit(MAPPINGS_MAX).execute()
}
