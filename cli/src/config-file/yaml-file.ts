/**
 * The file as it was written: read with its positions, filled in from the environment as compose does it, and told
 * where something is wrong as `file:line:column`. A secret in it is refused wherever it stands.
 */

import { renameKey, renameKeys } from '@headgate/admin-contract/wire'
import { literalSecrets } from '@headgate/domain/literal-secret'
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  parse as parseYaml,
  type Scalar,
  visit,
} from 'yaml'
import type { z } from 'zod'
import type { Environment } from '../config.ts'
import { ConfigFile } from './shape.ts'

export type FileFault = { readonly path: readonly PropertyKey[]; readonly message: string }

export type ReadFile = {
  /** Null when it is not what a configuration has to be. */
  readonly config: ConfigFile | null
  readonly faults: readonly FileFault[]
  /** `headgate.yaml:12:5`, the place of a path or of what is nearest to it. */
  placeOf(path: readonly PropertyKey[]): string
}

const ALIASES_MAX = 100

/** Reads a file. Faults are told, not thrown. */
export function readConfigText(text: string, name: string, environment: Environment): ReadFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  const placeOf = (path: readonly PropertyKey[]) => at(offsetOf(document, path))
  // What follows the first is mostly its echo.
  const broken = document.errors.slice(0, 1).map((it) => ({ path: [it.pos[0]], message: it.message }))
  if (broken.length > 0) return { config: null, faults: broken, placeOf: ([offset]) => at(Number(offset)) }
  const faults = [...fillIn(document, environment), ...secretFaults(document)]
  const parsed = ConfigFile.safeParse(dataOf(document))
  const wrong = parsed.success ? [] : parsed.error.issues.flatMap(faultsOf)
  return { config: parsed.success ? parsed.data : null, faults: [...faults, ...wrong], placeOf }
}

function dataOf(document: Document): unknown {
  try {
    return renameKeys(document.toJS({ maxAliasCount: ALIASES_MAX }))
  } catch {
    // Nested beyond reason, or an alias of aliases: the shape says what it should have been.
    return null
  }
}

/** The offset of the deepest part of a path that is in the file. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  const keys = path.map((part) => (typeof part === 'string' ? renameKey(part) : Number(part)))
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true)
    const above = document.getIn(keys.slice(0, length - 1), true)
    if (isMap(above)) {
      const pair = above.items.find((it) => isScalar(it.key) && it.key.value === keys[length - 1])
      if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0]
    }
    const range = (node as { range?: [number, number, number] } | undefined)?.range
    if (range) return range[0]
  }
  return 0
}

function faultsOf(issue: z.core.$ZodIssue): FileFault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: 'there is no such field here' }))
  return [{ path: issue.path, message: issue.message }]
}

const VARIABLE = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)([^}]*))?\})/g

/** `${NAME}`, `${NAME:-default}`, `${NAME:?sentence}`; `$$` is a dollar. Keys are left as they are. */
function fillIn(document: Document, environment: Environment): FileFault[] {
  const faults: FileFault[] = []
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return
      const filled = node.value.replace(VARIABLE, (all, name: string | undefined, mark, more = '') => {
        if (name === undefined) return '$'
        const value = environment[name]
        if (value !== undefined && value !== '') return value
        if (mark === ':-') return more
        faults.push({
          path: pathOf(ancestors, key),
          message: more === '' ? `the variable ${name} is not set` : `${name}: ${more}`,
        })
        return all
      })
      node.value = isPlain(node) ? plainValue(filled) : filled
    },
  })
  return faults
}

function isPlain(node: Scalar): boolean {
  return node.type === 'PLAIN'
}

/** What a plain word would have been, had it been written there: a number, a text, null. */
function plainValue(text: string): unknown {
  try {
    const value: unknown = parseYaml(text)
    return value !== null && typeof value === 'object' ? text : value
  } catch {
    return text
  }
}

function secretFaults(document: Document): FileFault[] {
  const faults: FileFault[] = []
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (typeof node.value !== 'string' || literalSecrets(node.value).length === 0) return
      const message =
        'this looks like a secret: write where it lies (env://NAME, kv://vault/name, db://name), never itself'
      faults.push({ path: pathOf(ancestors, key), message })
    },
  })
  return faults
}

type Ancestors = readonly (Document | Node | Pair)[]

/** The path of a node from those above it. */
function pathOf(ancestors: Ancestors, key: unknown): PropertyKey[] {
  const path: PropertyKey[] = []
  for (const [index, node] of ancestors.entries()) {
    if ('key' in node && isScalar(node.key)) path.push(renameKey(String(node.key.value)))
    if ('items' in node && !isMap(node)) {
      const next = ancestors[index + 1]
      const at = next === undefined ? Number(key) : node.items.indexOf(next as never)
      if (at >= 0) path.push(at)
    }
  }
  return path
}
