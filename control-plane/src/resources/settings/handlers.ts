/** What the admin API does with the settings of the organisation. What reads them reads them anew each time. */
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Setting, settings } from '@headgate/admin-contract/settings'
import { renameKey } from '@headgate/admin-contract/wire'
import {
  boundsOf,
  organisationSetting,
  organisationSettingNames,
  settingsOf,
} from '@headgate/domain/organisation-setting'
import { deleteSetting, putSetting, readStoredSettings } from '../../database/organisation-settings.ts'
import { positionAfter, toPage } from '../../database/page.ts'
import { fieldFault, found, type HandlerContext } from '../context.ts'
import { refuseDeletion } from './deletions.ts'

export const settingsHandlers: Handlers<typeof settings, HandlerContext> = {
  list: async ({ query: { limit, cursor } }, context) => {
    const [after] = cursor === undefined ? [] : positionAfter(cursor, 1)
    const all = await shownSettings(context)
    const from = after === undefined ? 0 : all.findIndex((it) => it.name === after) + 1
    return toPage(all.slice(from, from + limit + 1), limit, (it) => [it.name])
  },
  read: async ({ params }, context) => shownSetting(params.name, context),
  change: async ({ params, body }, context) => {
    const before = await shownSetting(params.name, context)
    if (body.value === undefined) return { changed: false, reply: before }
    refuseFixed(before)
    const name = renameKey(before.name)
    const { value: shape } = found(organisationSetting(name) ?? undefined)
    const parsed = shape.safeParse(body.value)
    if (!parsed.success) throw outOfBounds(before, parsed.error.issues[0]?.message ?? 'not allowed')
    if (before.source === 'stored' && before.value === parsed.data) return { changed: false, reply: before }
    const value = parsed.data as Setting['value']
    if (body.allowDeletion !== true) await refuseDeletion(name, { from: before.value, to: value }, context)
    await putSetting(context.db, { name, value, changedBy: context.actor, changedAt: context.now })
    return changed(before, context)
  },
  reset: async ({ params }, context) => {
    const before = await shownSetting(params.name, context)
    refuseFixed(before)
    if (before.source === 'default') return { changed: false, reply: before }
    await refuseDeletion(renameKey(before.name), { from: before.value, to: before.default }, context)
    await deleteSetting(context.db, renameKey(before.name))
    return changed(before, context)
  },
}

async function changed(before: Setting, context: HandlerContext) {
  const after = await shownSetting(before.name, context)
  await refuseExpiryBeyondLife(context)
  return { changed: true as const, reply: after, subjectId: before.name, before, after }
}

async function shownSetting(name: string, context: HandlerContext): Promise<Setting> {
  return found((await shownSettings(context)).find((it) => it.name === name))
}

async function shownSettings({ db, fixedSettings }: HandlerContext): Promise<Setting[]> {
  const rows = new Map((await readStoredSettings(db)).map((row) => [row.name, row]))
  const values = settingsOf(new Map([...rows].map(([name, { value }]) => [name, value])), fixedSettings)
  return organisationSettingNames.map((name) => {
    const row = found(organisationSetting(name) ?? undefined)
    const isFixed = fixedSettings[name] !== undefined
    const stored = isFixed ? undefined : rows.get(name)
    return {
      name: renameKey(name),
      value: values[name],
      default: row.byDefault as Setting['default'],
      ...{ unit: row.unit, meaning: row.meaning, bounds: boundsOf(row) },
      source: isFixed ? 'environment' : stored === undefined ? 'default' : 'stored',
      fixedBy: isFixed ? row.fixedBy : null,
      ...{ changedBy: stored?.changedBy ?? null, changedAt: stored?.changedAt ?? null },
    }
  })
}

/** A key that says nothing must be one that may be made. */
async function refuseExpiryBeyondLife({ db, fixedSettings }: HandlerContext): Promise<void> {
  const stored = new Map((await readStoredSettings(db)).map(({ name, value }) => [name, value]))
  const { keyExpiryDays, keyLifeDaysMax } = settingsOf(stored, fixedSettings)
  if (keyExpiryDays === null || keyLifeDaysMax === null || keyExpiryDays <= keyLifeDaysMax) return
  throw fieldFault('/value', {
    code: 'beyond_life',
    message: `keys would expire after ${keyExpiryDays} days and live ${keyLifeDaysMax} at most`,
    fix: 'Choose a key_expiry_days that is not above key_life_days_max; change the other one first.',
  })
}

function refuseFixed({ fixedBy, value }: Setting): void {
  if (fixedBy === null) return
  throw new AdminProblem('conflict', `Nothing was changed: ${fixedBy} fixes this setting.`, {
    faults: [
      {
        pointer: '/value',
        code: 'fixed_by_environment',
        message: `the environment says ${value}`,
        fix: `Take ${fixedBy} out of the environment of every control plane and start them again, or change it there.`,
      },
    ],
  })
}

function outOfBounds({ bounds, unit }: Setting, message: string): AdminProblem {
  const fix =
    bounds === null ? `Send a ${unit}.` : `Send a whole number of ${unit}, ${bounds.min} to ${bounds.max}.`
  return fieldFault('/value', { code: 'invalid_value', message, fix })
}
