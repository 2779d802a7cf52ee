/**
 * The body of a call: the bytes as they came, and what the gateway needs to know of them. Rewriting splices
 * new values into the old bytes; every byte that is not ours to change stays as it was.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import { JsonFault, type JsonFields, type Span, scanJsonObject } from './json-scan.ts'

export type Body = {
  readonly bytes: Buffer
  readonly fields: JsonFields
}

/**
 * Reads a JSON body.
 * @throws GatewayError `invalid_json` or `duplicate_key`, with the place or the field in the sentence
 */
export function openBody(bytes: Buffer): Body {
  try {
    return { bytes, fields: scanJsonObject(bytes) }
  } catch (fault) {
    if (!(fault instanceof JsonFault)) throw fault
    const code = fault.kind === 'duplicate' ? 'duplicate_key' : 'invalid_json'
    throw new GatewayError(code, {
      public: fault.message,
      ...(fault.field !== null && { param: fault.field.slice(0, 64) }),
    })
  }
}

/**
 * The value of a top-level field, parsed; undefined when the field is absent. For small values only.
 * @throws GatewayError `invalid_json` for what the scan leaves to the reader: control characters in strings
 */
export function fieldValue(body: Body, name: string): unknown {
  const span = body.fields.spans.get(name)
  if (span === undefined) return undefined
  try {
    return JSON.parse(body.bytes.toString('utf8', span.start, span.end))
  } catch {
    throw new GatewayError('invalid_json', {
      public: `The value of "${name}" is not valid JSON: control character in a string.`,
      param: name,
    })
  }
}

/** A change to a body: this field gets this JSON text, whether it was there or not. */
export type Splice = { readonly field: string; readonly json: string }

/** The bytes with the splices made; the very same buffer when there are none. */
export function spliceBody(body: Body, splices: readonly Splice[]): Buffer {
  if (splices.length === 0) return body.bytes
  const replaced: (Splice & Span)[] = []
  let added = ''
  for (const splice of splices) {
    const span = body.fields.spans.get(splice.field)
    if (span) replaced.push({ ...splice, ...span })
    else added += `,${JSON.stringify(splice.field)}:${splice.json}`
  }
  replaced.sort((a, b) => a.start - b.start)
  const parts: Buffer[] = []
  let from = 0
  for (const { start, end, json } of replaced) {
    parts.push(body.bytes.subarray(from, start), Buffer.from(json))
    from = end
  }
  if (added === '') {
    parts.push(body.bytes.subarray(from))
  } else {
    const { closeAt, spans } = body.fields
    parts.push(body.bytes.subarray(from, closeAt), Buffer.from(spans.size === 0 ? added.slice(1) : added))
    parts.push(body.bytes.subarray(closeAt))
  }
  return Buffer.concat(parts)
}
