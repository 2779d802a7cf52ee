/** Notes sign-ins that came to nothing, so that whoever tries them is seen: so many a minute, like all failed attempts. */
import { commitChange, type Home } from '../change.ts'

/** Leaves an audit event of one: in which request, and what was wrong. */
export async function noteRefused(home: Home, requestId: string, reason: string): Promise<void> {
  const unrecorded = home.audit.pace.take('nobody', home.clock.nowMs())
  if (unrecorded === null) return
  const after = { reason, ...(unrecorded > 0 && { unrecordedBefore: unrecorded }) }
  const intent = { actor: 'nobody', action: 'sign-in.refused', requestId, changesCatalog: false }
  await commitChange(home, intent, async () => {
    return { changed: true, reply: null, subjectId: 'nobody', before: null, after }
  })
}
