/**
 * Reads a request body whole and makes JSON of it, or refuses it in the provider's words.
 */
import type { IncomingMessage } from 'node:http'
import { type Body, isObject } from './parameters.ts'
import { invalid, Refused } from './refusal.ts'

/** As much as OpenAI takes for the JSON of one request, near enough. */
const BODY_BYTES_MAX = 64 * 1024 * 1024

/**
 * The bytes of the body. Rejects with Refused (413) when there are more than 64 MiB, and with the socket's error
 * when the client leaves while sending.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) {
        reject(
          new Refused({ status: 413, message: `The request body is larger than ${BODY_BYTES_MAX} bytes.` }),
        )
        chunks.length = 0
        return
      }
      chunks.push(chunk)
    })
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    request.once('error', reject)
  })
}

/** The JSON object in the body. Throws Refused for another content type, broken JSON, or JSON that is no object. */
export function parseBody(contentType: string | undefined, bytes: Buffer): Body {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    const message =
      `Unsupported content type: '${contentType ?? ''}'. This API method only accepts 'application/json' requests. ` +
      "Send the header 'Content-Type: application/json'."
    throw invalid(message, null, 'unsupported_content_type')
  }
  const parsed = parseJson(bytes)
  if (!isObject(parsed))
    throw invalid('We could not parse the JSON body of your request: expected an object.')
  return parsed
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw invalid(
      'We could not parse the JSON body of your request. (HINT: This likely means you sent something that is not JSON.)',
    )
  }
}
