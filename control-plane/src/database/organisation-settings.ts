/**
 * The SQL of organisation settings. They are read where they matter, each time anew: the table is a page at most, and
 * what is changed holds in every process without being told.
 */
import {
  type OrganisationSettings,
  type SomeSettings,
  settingsOf,
} from '@headgate/domain/organisation-setting'
import type { Selectable } from 'kysely'
import type { Database } from './open.ts'
import type { OrganisationSettingRow } from './tables.ts'

type Stored = Selectable<OrganisationSettingRow>

export function readStoredSettings(db: Database): Promise<Stored[]> {
  return db.selectFrom('organisationSettings').selectAll().execute()
}

/** What holds now. @param fixed what the environment says */
export async function readOrganisationSettings(
  db: Database,
  fixed: SomeSettings,
): Promise<OrganisationSettings> {
  const rows = await readStoredSettings(db)
  return settingsOf(new Map(rows.map(({ name, value }) => [name, value])), fixed)
}

export async function putSetting(db: Database, { name, value, changedBy, changedAt }: Stored): Promise<void> {
  const change = { value: JSON.stringify(value), changedBy, changedAt }
  await db
    .insertInto('organisationSettings')
    .values({ name, ...change })
    .onConflict((taken) => taken.column('name').doUpdateSet(change))
    .execute()
}

export async function deleteSetting(db: Database, name: string): Promise<void> {
  await db.deleteFrom('organisationSettings').where('name', '=', name).execute()
}
