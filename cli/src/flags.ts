/**
 * A flag is one field of what an operation takes, as people type it. Flags are read out of the shapes of the table
 * of operations, so a field that is added there has its flag here at once.
 */
import { renameKey, renameKeys } from '@headgate/admin-contract/wire'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { wrongUsage } from './exit-codes.ts'

export type FlagKind = 'text' | 'number' | 'boolean' | 'list' | 'money' | 'data'

export type Flag = {
  /** As it is typed, without the two dashes. */
  readonly name: string
  /** Other spellings of it. */
  readonly also: readonly string[]
  /** The field it sets, in the words of our code. */
  readonly field: string
  readonly place: 'query' | 'body' | 'own'
  readonly kind: FlagKind
  readonly isRequired: boolean
  readonly isNullable: boolean
  readonly choices: readonly string[]
  /** Of a field that takes ids: what they begin with. Names are looked up then. */
  readonly idPrefixes: readonly string[]
  readonly meaning: string
}

export type Schema = {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/** The JSON Schema of what may be sent for a shape. */
export function sentSchema(shape: z.ZodType, io: 'input' | 'output' = 'input'): Schema {
  return z.toJSONSchema(shape, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description
      if (description !== undefined) jsonSchema.description = description
    },
  }) as Schema
}

/** The flags of a shape; those of fields that hold nanos also take money as people write it. */
export function flagsOf(shape: z.ZodType | undefined, place: 'query' | 'body'): Flag[] {
  if (shape === undefined) return []
  const { properties = {}, required = [] } = sentSchema(shape)
  return Object.entries(properties).flatMap(([field, schema]) => {
    const flag = flagOf(field, schema, { place, isRequired: required.includes(field) })
    return flag.name.endsWith('-nanos') ? [moneyFlag(flag), { ...flag, isRequired: false }] : [flag]
  })
}

function flagOf(field: string, schema: Schema, more: Pick<Flag, 'place' | 'isRequired'>): Flag {
  const options = schema.anyOf ?? [schema]
  const plain = options.find((it) => it.type !== 'null') ?? schema
  const item = plain.type === 'array' ? (plain.items ?? {}) : plain
  const choices = choicesOf(item)
  const isYesNo = plain.type === 'boolean' || choices.join() === 'true,false'
  const kebab = renameKey(field).replaceAll('_', '-')
  const short = kebab.replace(/-ids?$/, '')
  const idPrefixes = prefixesOf(item.pattern)
  const name = idPrefixes.length > 0 && short !== '' ? short : kebab
  return {
    ...{ name, also: name === kebab ? [] : [kebab], field, ...more },
    kind: isYesNo ? 'boolean' : kindOf(plain, options),
    isNullable: options.some((it) => it.type === 'null'),
    choices: isYesNo ? [] : choices,
    idPrefixes,
    meaning: [schema.description ?? plain.description, defaultText(schema.default)].filter(Boolean).join(' '),
  }
}

function moneyFlag(flag: Flag): Flag {
  const name = flag.name.replace(/-nanos$/, '')
  return { ...flag, name, also: [], kind: 'money', meaning: `As money: 12.50. ${flag.meaning}`.trim() }
}

function kindOf(schema: Schema, options: readonly Schema[]): FlagKind {
  if (options.filter((it) => it.type !== 'null').length > 1) return 'data'
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  if (schema.type === 'array') return schema.items?.type === 'string' ? 'list' : 'data'
  return schema.type === 'string' || schema.enum !== undefined ? 'text' : 'data'
}

function choicesOf(schema: Schema): string[] {
  const values = schema.const === undefined ? (schema.enum ?? []) : [schema.const]
  return values.filter((it): it is string => typeof it === 'string')
}

/** What the ids of a field begin with: `^(team|app)_[…` or `^team_[…`. */
export function prefixesOf(pattern: string | undefined): string[] {
  const found = /^\^\(?((?:[a-z]{3,5}\|)*[a-z]{3,5})\)?_\[0-9A-HJKMNP-TV-Z\]/.exec(pattern ?? '')
  return found?.[1]?.split('|') ?? []
}

function defaultText(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  const text = JSON.stringify(value)
  return text.length > 40 || text === '[]' || text === 'false' ? '' : `Default: ${text.replaceAll('"', '')}.`
}

/** What is typed for a flag, as the operation takes it. @throws CommandFault when it cannot be that */
export function readFlag(flag: Flag, text: string): unknown {
  if (text === 'null' && flag.isNullable) return null
  if (flag.choices.length > 0 && flag.kind === 'text' && !flag.choices.includes(text))
    throw wrongUsage(`--${flag.name} is one of ${flag.choices.join(', ')}; not "${text}"`)
  if (flag.kind === 'number') return readNumber(flag, text)
  if (flag.kind === 'money') return readMoney(flag, text)
  if (flag.kind === 'list') return text === '' ? [] : text.split(',').map((it) => it.trim())
  return flag.kind === 'data' ? readData(flag, text) : text
}

function readNumber(flag: Flag, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw wrongUsage(`--${flag.name} is a number${flag.isNullable ? ' or null' : ''}; not "${text}"`)
  return value
}

/** Exactly: digits are moved, nothing is multiplied. */
function readMoney(flag: Flag, text: string): number {
  const found = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(text)
  if (found === null)
    throw wrongUsage(`--${flag.name} is money such as 12.50, at most nine decimals; not "${text}"`)
  return Number(`${found[1]}${(found[2] ?? '').padEnd(9, '0')}`)
}

/** YAML in one line, which JSON is too. In the words of the wire, as everywhere outside our code. */
function readData(flag: Flag, text: string): unknown {
  try {
    return renameKeys(parseYaml(text))
  } catch (fault) {
    const reason = fault instanceof Error ? (fault.message.split('\n')[0] ?? '') : ''
    throw wrongUsage(`--${flag.name} is JSON or YAML: ${reason}`)
  }
}

/** A flag that no shape tells of. */
export function ownFlag(name: string, kind: 'text' | 'boolean', meaning: string, also: string[] = []): Flag {
  return {
    ...{ name, also, field: name, place: 'own', kind, meaning },
    ...{ isRequired: false, isNullable: false, choices: [], idPrefixes: [] },
  }
}

/** Whether its value is a file of this machine. */
export function takesFile({ place, name }: Pick<Flag, 'place' | 'name'>): boolean {
  return place === 'own' && /^(out|file|.*-file)$/.test(name)
}
