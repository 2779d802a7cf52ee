/**
 * Taking over a published list: the answer shows what differs, and its digest, `confirm`, is the only way to have it
 * done, so nobody takes over what they have not been shown. When something changes in between, it is shown again.
 */
import { createHash } from 'node:crypto'
import type { Change } from '@headgate/admin-contract/operation'
import { confirmed } from './context.ts'

type Compared = { readonly source: string; readonly differences: readonly object[] }
type Shown<C extends Compared> = C & { readonly confirm: string; readonly applied: boolean }

/** What a list is called where it is kept: with its day. */
export function sourceOf({ source, day }: { readonly source: string; readonly day: string }): string {
  return `${source}, ${day}`
}

/**
 * Shows what differs, or does it.
 * @param compared all that is shown
 * @param write makes it so, and gives what the audit event tells of it
 * @throws AdminProblem `conflict` when `confirm` speaks of other differences than there are now
 */
export async function takenOver<C extends Compared>(
  confirm: string | undefined,
  compared: C,
  write: () => Promise<object>,
): Promise<Change<Shown<C>>> {
  const shown = createHash('sha256').update(JSON.stringify(compared)).digest('hex')
  if (!confirmed(confirm, shown) || compared.differences.length === 0)
    return { changed: false, reply: { ...compared, confirm: shown, applied: false } }
  const after = await write()
  const reply = { ...compared, confirm: shown, applied: true }
  return { changed: true, reply, subjectId: shown, before: null, after }
}
