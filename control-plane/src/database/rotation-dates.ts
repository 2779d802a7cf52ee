/**
 * When rotations of keys are due, by the rule of the key or of its app and by the age of its secret. Called in the
 * transaction of whatever changes one of these.
 */
import { sql } from 'kysely'
import type { Database } from './open.ts'

/** One key, or all of an app. */
type Which = { readonly keyId: string } | { readonly appId: string }

/**
 * Sets the dates of keys anew. Nobody is blocked sooner than a rule lets a rotation be put off, counted from now: a
 * rule that is made for keys of long ago must not stop their callers at once.
 * @param now as ISO 8601
 */
export async function setRotationDates(db: Database, which: Which, now: string): Promise<void> {
  const isMeant =
    'keyId' in which ? sql<boolean>`key.id = ${which.keyId}` : sql<boolean>`key.app_id = ${which.appId}`
  await sql`
    update proxy_keys set
      rotation_due_at = dates.due_at,
      rotation_overdue_at = dates.overdue_at,
      secret_expires_at = dates.expires_at,
      rotation_told = case when dates.due_at <= ${now} then rotation_told end,
      is_published = is_published and secret_expires_at is not distinct from dates.expires_at
    from (
      select id, due_at, overdue_at,
        case when rule ->> 'whenOverdue' = 'block' then overdue_at end as expires_at
      from (
        select key.id, rule, due_at,
          greatest(due_at, ${now}) + (rule ->> 'withinDays')::int * interval '24 hours' as overdue_at
        from proxy_keys key
          join apps on apps.id = key.app_id
          join key_secrets secret on secret.key_id = key.id and secret.stage = 'current'
          cross join lateral (
            select case when key.state <> 'revoked' then coalesce(key.rotation_rule, apps.rotation_rule) end as rule) rules
          cross join lateral (
            select secret.starts_at + (rule ->> 'everyDays')::int * interval '24 hours' as due_at) due
        where ${isMeant}
      ) of_rule
    ) dates
    where dates.id = proxy_keys.id
      and (rotation_due_at, rotation_overdue_at, secret_expires_at)
        is distinct from (dates.due_at, dates.overdue_at, dates.expires_at)`.execute(db)
}
