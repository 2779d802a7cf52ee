/**
 * On the wire, names are snake_case; in our code they are camelCase. This is the only place that knows.
 * Every key of every plain object is renamed, which is right as long as no map has keys that are data; there
 * is none today, and whoever adds one writes it as a list of pairs.
 */

const SNAKE = /^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)+$/
const CAMEL = /^[a-z][a-z0-9]*([A-Z][a-z0-9]*)+$/

/** Deeper than any body we accept; stops a hostile one before it fills the stack. */
export const DEPTH_MAX = 32

/**
 * Turns one style into the other. It is its own inverse: a `teamId` that comes from the wire becomes
 * `team_id`, which no shape knows, and so is refused instead of passing for `team_id`.
 */
export function renameKey(key: string): string {
  if (SNAKE.test(key)) return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  if (CAMEL.test(key)) return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return key
}

/**
 * A copy of plain JSON data with every key renamed, from the wire or to it.
 * @throws RangeError when the data is nested deeper than DEPTH_MAX.
 */
export function renameKeys(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== 'object') return value
  if (depth >= DEPTH_MAX) throw new RangeError(`nested deeper than ${DEPTH_MAX} levels`)
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [renameKey(key), renameKeys(inner, depth + 1)]),
  )
}

/** The path of a fault in our words, as a JSON pointer (RFC 6901) in the words of the wire. */
export function wirePointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'string' ? renameKey(part) : String(part)))
    .map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

type Schema = { [key: string]: unknown }

/** A JSON Schema with the names of its properties as they stand on the wire; keywords are left alone. */
export function renameSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(renameSchema)
  if (schema === null || typeof schema !== 'object') return schema
  const renamed: Schema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') renamed[keyword] = renameProperties(value as Schema)
    else if (keyword === 'required') renamed[keyword] = (value as string[]).map(renameKey)
    else if (keyword === 'enum' || keyword === 'const' || keyword === 'default') renamed[keyword] = value
    else renamed[keyword] = renameSchema(value)
  }
  return renamed
}

function renameProperties(properties: Schema): Schema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [renameKey(name), renameSchema(schema)]),
  )
}
