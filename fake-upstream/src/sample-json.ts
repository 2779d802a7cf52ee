/**
 * Sample JSON: a value that fits a JSON schema well enough for clients that parse tool arguments and structured
 * answers. Always the same value for the same schema.
 */
import { isObject } from './parameters.ts'

const DEPTH_MAX = 8

/** A value for `schema`; `{}` when the schema says nothing. References (`$ref`) are not followed: they give null. */
export function sampleJson(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return depth === 0 ? {} : null
  if (schema['const'] !== undefined) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  if (schema['default'] !== undefined) return schema['default']
  const anyOf = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(anyOf)) return sampleJson(anyOf[0], depth + 1)
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type']
  switch (type) {
    case 'string':
      return 'sample'
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1
    case 'boolean':
      return true
    case 'array':
      return [sampleJson(schema['items'], depth + 1)]
    default:
      return sampleObject(schema, depth)
  }
}

function sampleObject(schema: Readonly<Record<string, unknown>>, depth: number): unknown {
  const properties = schema['properties']
  if (!isObject(properties)) return depth === 0 || schema['type'] === 'object' ? {} : null
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, sampleJson(property, depth + 1)]),
  )
}

/** The text of a structured answer, or null when the format asks for plain text. Chat nests the schema, responses does not. */
export function structuredText(format: unknown): string | null {
  if (!isObject(format)) return null
  if (format['type'] === 'json_object') return '{"answer":"sample"}'
  if (format['type'] !== 'json_schema') return null
  const nested = isObject(format['json_schema']) ? format['json_schema']['schema'] : format['schema']
  return JSON.stringify(sampleJson(nested))
}
