/** `headgate config export`: the whole instance as one file, the same bytes whenever it is the same. */
import { writeFile } from 'node:fs/promises'
import { renameKeys } from '@headgate/admin-contract/wire'
import { canonicalJson } from '@headgate/domain/canonical-json'
import { Document, isScalar, visit } from 'yaml'
import type { OwnCommand, Run } from '../command.ts'
import { ownFlag, sentSchema } from '../flags.ts'
import type { Entry } from './kind.ts'
import { type FlatLimit, limitTree } from './limit-tree.ts'
import { type Live, readLive } from './live.ts'
import { ConfigFile, type Section } from './shape.ts'

export const exportCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['config', 'export'],
  summary: 'Writes what the instance is made of as one YAML file, by names and without secrets.',
  positionals: [],
  flags: [ownFlag('out', 'text', 'Writes into this file instead of standard output.')],
  examples: ['headgate config export --out headgate.yaml'],
  run: async (run) => {
    const live = await readLive(run.client(), run.stop)
    const text = configText(live)
    const path = run.value('out')
    if (path === null) await run.io.out(text)
    else await writeFile(path, text)
    tellLeftOut(live, run)
    return 'done'
  },
}

/** Says what has no place in a file, so that nobody takes it for whole. */
function tellLeftOut({ leftOut }: Live, run: Run): void {
  if (leftOut.size === 0) return
  const what = [...leftOut].map(([called, count]) => `${count} of kind ${called}`).join(', ')
  run.io.say(`Not in the file, because they belong to single keys or users: ${what}.`)
}

/** The file of an instance. */
export function configText({ things }: Live): string {
  const file: Record<string, unknown> = { version: 1 }
  for (const section of Object.keys(ConfigFile.shape) as (Section | 'version')[]) {
    if (section === 'version') continue
    const entries = things.filter(({ kind, thing }) => kind.section === section && !kind.isGiven?.(thing))
    const ordered = entries.toSorted((a, b) => (a.identity < b.identity ? -1 : 1)).map((it) => it.entry)
    file[section] =
      section === 'limits'
        ? limitTree(ordered as unknown as FlatLimit[]).map(leanLimit)
        : ordered.map(leanEntry(section))
  }
  return yamlText(renameKeys(file))
}

/** Without what is so anyway. Fields are in the order of the shape. */
function leanEntry(section: Section): (entry: Entry) => Entry {
  const shape = ConfigFile.shape[section]
  const { properties = {} } = sentSchema(shape).items ?? {}
  return (entry) =>
    Object.fromEntries(
      Object.entries(properties).flatMap(([field, schema]) => {
        const value = entry[field]
        const isDefault = 'default' in schema && canonicalJson(schema.default) === canonicalJson(value)
        return value === undefined || isDefault ? [] : [[field, value]]
      }),
    )
}

function leanLimit(limit: object): Entry {
  const { owner, quota, measure, model, parts, ...figures } = limit as Record<string, unknown>
  const kept = Object.entries(figures).filter(
    ([name, value]) => value !== null && value !== false && !(name === 'onOutage' && value === 'local'),
  )
  return {
    owner,
    ...(quota === null || quota === undefined ? {} : { quota }),
    ...(measure === undefined ? {} : { measure }),
    ...(model === null ? {} : { model }),
    ...Object.fromEntries(kept),
    ...((parts as object[]).length === 0 ? {} : { parts: (parts as object[]).map(leanLimit) }),
  }
}

/** A dollar is written twice, since one begins a variable. */
function yamlText(file: unknown): string {
  const document = new Document(file, { aliasDuplicateObjects: false })
  document.commentBefore =
    ' Written by `headgate config export`. Secrets are named by reference, never written here.'
  visit(document, {
    Scalar: (key, node) => {
      if (key !== 'key' && isScalar(node) && typeof node.value === 'string' && node.value.includes('$'))
        node.value = node.value.replaceAll('$', '$$$$')
    },
  })
  return document.toString({ lineWidth: 110 })
}
