/** References to secrets that we keep ourselves must lead to one, or a typing error would show at the first use. */
import type { SecretRef } from '@headgate/domain/secret-ref'
import type { Database } from '../database/open.ts'
import { leadsToSecret } from '../database/stored-secrets.ts'
import { fieldFault } from './context.ts'

/** @throws AdminProblem that points to `secret_ref`. Any other scheme passes: a vault or a file may come later. */
export async function refuseUnknownSecret(ref: SecretRef, db: Database): Promise<void> {
  if (await leadsToSecret(db, ref)) return
  throw fieldFault('/secret_ref', {
    code: 'unknown_reference',
    message: 'there is no stored secret of this name',
    fix: 'Create it with POST /secrets, or correct the name.',
  })
}
