/** When keys expire, by what is asked for and by what the organisation settled on. */
import { readOrganisationSettings } from '../../database/organisation-settings.ts'
import { fieldFault, type HandlerContext, refuseThePast } from '../context.ts'

const DAY_MS = 86_400_000

/**
 * When a new key expires; null: it does not.
 * @param asked undefined where nothing was said
 * @throws AdminProblem for an instant that has passed, or is beyond the longest life of keys
 */
export async function expiryOf(
  asked: string | null | undefined,
  context: HandlerContext,
): Promise<string | null> {
  if (asked !== undefined) {
    await refuseLongLife(asked, context.now, context)
    return asked
  }
  const { keyExpiryDays, keyLifeDaysMax } = await readOrganisationSettings(context.db, context.fixedSettings)
  return inDays(keyExpiryDays ?? keyLifeDaysMax, context.now)
}

/** Refuses an expiry that has passed, or lies beyond the longest life of a key. @param createdAt of the key */
export async function refuseLongLife(
  expiresAt: string | null,
  createdAt: string,
  context: HandlerContext,
): Promise<void> {
  refuseThePast('/expires_at', expiresAt, context)
  const { keyLifeDaysMax } = await readOrganisationSettings(context.db, context.fixedSettings)
  const latest = inDays(keyLifeDaysMax, createdAt)
  if (latest === null || (expiresAt !== null && Date.parse(expiresAt) <= Date.parse(latest))) return
  throw fieldFault('/expires_at', {
    code: 'beyond_life',
    message: `keys live ${keyLifeDaysMax} days at most`,
    fix: `Send an instant no later than ${latest}, or have the setting key_life_days_max changed.`,
  })
}

function inDays(days: number | null, from: string): string | null {
  return days === null ? null : new Date(Date.parse(from) + days * DAY_MS).toISOString()
}
