/** What the admin API and a job do with anchors: write where the audit log stands into the file outside. */
import type { auditAnchors } from '@headgate/admin-contract/audit-events'
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { AuditAnchor } from '@headgate/domain/audit-anchor'
import type { Database } from '../../database/open.ts'
import type { HandlerContext } from '../context.ts'
import { type AnchorFile, anchorStatement } from './anchor-file.ts'
import { readAuditHead } from './append.ts'
import type { AuditKeeper } from './keeper.ts'

const SHOWN = 100

export const auditAnchorsHandlers: Handlers<typeof auditAnchors, HandlerContext> = {
  list: async (_, { audit }) => ({ data: (await fileOf(audit).read()).slice(-SHOWN) }),
  create: async (_, { db, audit, now }) => {
    const file = fileOf(audit)
    const anchor = await writeAnchor(db, { file, keeper: audit, now }).catch((cause: unknown) => {
      throw new AdminProblem('anchor_failed', 'The file of anchors could not be written. See the log.', {
        cause,
      })
    })
    return { changed: true, reply: anchor, subjectId: String(anchor.number), before: null, after: anchor }
  },
}

type Anchoring = { readonly file: AnchorFile; readonly keeper: AuditKeeper; readonly now: string }

/** Writes down what is committed now. @throws Error when it could not be written */
export async function writeAnchor(db: Database, { file, keeper, now }: Anchoring): Promise<AuditAnchor> {
  const { number, hash } = await readAuditHead(db)
  const unsigned = { at: now, number, hash }
  const anchor = { ...unsigned, signature: keeper.sign(anchorStatement(unsigned)) }
  await file.append(anchor)
  return anchor
}

function fileOf({ anchors }: AuditKeeper): AnchorFile {
  if (anchors !== null) return anchors
  throw new AdminProblem(
    'conflict',
    'No file for anchors is set: set HEADGATE_AUDIT_ANCHORS_FILE where the control plane runs.',
  )
}
