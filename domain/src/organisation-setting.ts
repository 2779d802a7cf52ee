/**
 * An organisation setting is what the organisation chooses while the processes run: how long things are kept, and what
 * holds where nobody says anything. All of them stand in this one table. Where the environment fixes one, that decides.
 */
import { z } from 'zod'
import { TimeZone } from './period.ts'
import { Currency } from './price.ts'

type Row<T extends z.ZodType> = {
  readonly value: T
  readonly byDefault: z.output<T>
  readonly unit: string
  /** One sentence: what takes effect, and where. */
  readonly meaning: string
  /** The setting of the environment that goes before it; null for none. */
  readonly fixedBy: string | null
}

type More = Omit<Row<z.ZodType>, 'value' | 'byDefault' | 'fixedBy'> & { readonly fixedBy?: string }

function row<T extends z.ZodType>(value: T, byDefault: z.output<T>, { fixedBy, ...more }: More): Row<T> {
  return { value, byDefault, ...more, fixedBy: fixedBy ?? null }
}

/** As long as the environment may say. */
const KeptDays = z.int().min(1).max(36_500)
const KeyDays = z.int().min(1).max(3_650).nullable()
const unit = 'days'

const table = {
  keepRecordsDays: row(KeptDays, 90, {
    ...{ unit, fixedBy: 'HEADGATE_KEEP_RECORDS_DAYS' },
    meaning:
      'How long usage records are kept. What is older goes within ten minutes, and does not come back.',
  }),
  keepMinutesDays: row(KeptDays, 7, {
    ...{ unit, fixedBy: 'HEADGATE_KEEP_MINUTES_DAYS' },
    meaning: 'How long usage by the minute is kept.',
  }),
  keepHoursDays: row(KeptDays, 400, {
    ...{ unit, fixedBy: 'HEADGATE_KEEP_HOURS_DAYS' },
    meaning: 'How long usage by the hour is kept.',
  }),
  keepDaysDays: row(KeptDays, 1_900, {
    ...{ unit, fixedBy: 'HEADGATE_KEEP_DAYS_DAYS' },
    meaning: 'How long usage by the day is kept.',
  }),
  keepAuditDays: row(KeptDays, 2_555, {
    ...{ unit, fixedBy: 'HEADGATE_KEEP_AUDIT_DAYS' },
    meaning: 'How long audit events are kept at least. They go by whole months.',
  }),
  keepExportsDays: row(z.int().min(1).max(90), 7, {
    ...{ unit, meaning: 'How long the file of an export is kept from when it is done.' },
  }),
  exportRowsMax: row(z.int().min(1).max(1_000_000_000).nullable(), null, {
    unit: 'rows',
    meaning: 'The most that the file of an export may hold; one with more fails. Null: as many as there are.',
  }),
  rotationGraceMinutes: row(z.int().min(0).max(1_440), 1_440, {
    unit: 'minutes',
    meaning: 'How long the old secret of a key works beside the new one, where a rotation does not say.',
  }),
  keyExpiryDays: row(KeyDays, null, {
    ...{ unit, meaning: 'When a new key expires that does not say. Null: it does not.' },
  }),
  keyLifeDaysMax: row(KeyDays, null, {
    unit,
    meaning:
      'The longest life of keys that are made or whose expiry is moved from now on. Null: without an end.',
  }),
  reportingZone: row(TimeZone, 'UTC', {
    unit: 'time zone',
    meaning: 'The time zone that days, weeks and months of usage begin in, where a question does not say.',
  }),
  reportingCurrency: row(Currency.nullable(), null, {
    unit: 'currency',
    meaning:
      'The currency that costs are told in besides their own, by the exchange rate of each day, where a question does not say. Null: each stands by itself.',
  }),
} as const satisfies Record<string, Row<z.ZodType>>

export type OrganisationSettingName = keyof typeof table
export type OrganisationSettings = {
  readonly [Name in OrganisationSettingName]: z.output<(typeof table)[Name]['value']>
}
/** What is chosen or fixed; whatever is left out is as by default. */
export type SomeSettings = { readonly [Name in OrganisationSettingName]?: OrganisationSettings[Name] }

/** All names, in the order people are shown them. */
export const organisationSettingNames = Object.keys(table) as OrganisationSettingName[]

/** What is to be known of a setting; null for a name that is none. */
export function organisationSetting(name: string): Row<z.ZodType> | null {
  return Object.hasOwn(table, name) ? table[name as OrganisationSettingName] : null
}

/**
 * What holds: what the environment fixes, else what was chosen, else what is so by default. A stored value that no
 * longer fits, as one of a later version, counts as not chosen.
 */
export function settingsOf(stored: ReadonlyMap<string, unknown>, fixed: SomeSettings): OrganisationSettings {
  const values = organisationSettingNames.map((name) => {
    const { value, byDefault } = table[name]
    if (fixed[name] !== undefined) return [name, fixed[name]]
    const parsed = stored.has(name) ? value.safeParse(stored.get(name)) : null
    return [name, parsed?.success ? parsed.data : byDefault]
  })
  return Object.fromEntries(values) as OrganisationSettings
}

/** The bounds of a number, for people; null for what is no number. */
export function boundsOf({ value }: Row<z.ZodType>): { min: number; max: number } | null {
  const inner = value instanceof z.ZodNullable ? value.unwrap() : value
  if (!(inner instanceof z.ZodNumber)) return null
  return { min: inner.minValue ?? Number.MIN_SAFE_INTEGER, max: inner.maxValue ?? Number.MAX_SAFE_INTEGER }
}
