/**
 * The head of a request, read once from the raw header list: what the gateway needs, what may travel on, and
 * the faults Node's parser lets through. Authorising and forwarding both use this one reading, so the two can
 * never disagree about what was said.
 */
import { CALL_TAGS_HEADER, type CallTags, noTags, readCallTags } from '@headgate/domain/call-tag'
import { ClientTag } from '@headgate/domain/client-tag'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { WrittenHead } from './line.ts'

const HEADERS_MAX = 100
const URL_BYTES_MAX = 8192
/** Printable ASCII without `#`, which no target may hold: what goes on to the provider is what was matched. */
const TARGET = /^[\x21\x22\x24-\x7e]+$/
/** The gateways a request has passed, by their ids. */
const HOPS = /^[A-Za-z0-9_,]{1,256}$/
/** What may travel on in a header. */
const FORWARDED_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** What a caller may call a session. */
const SESSION = /^[\x21-\x7e]{1,128}$/
/** Methods the API uses; anything else is a probe. */
const METHODS = new Set(['GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'PATCH', 'OPTIONS'])

export type RequestHead = {
  authorization: string | null
  apiKey: string | null
  contentType: string | null
  contentLength: number | null
  chunked: boolean
  hop: string | null
  /** Allow-listed headers for the upstream, as a flat list of names and values. */
  readonly forward: string[]
  /** What the client calls itself. */
  userAgent: string | null
  /** What the caller says the call is for. */
  tags: CallTags
  /** What calls of one conversation have in common, so that they meet the same deployment. */
  session: string | null
  /** Whom the caller says it calls for: its tag `client`. */
  clientTag: string | null
}

const bad = (sentence: string) => new GatewayError('invalid_request', { public: sentence })

/**
 * Reads the head of a request.
 * @throws GatewayError `invalid_request` for anything two parsers could read in two ways (semantics: HTTP hygiene)
 */
export function readHead(written: WrittenHead): RequestHead {
  const { rawHeaders, method, url, httpVersion } = written
  if (method === undefined || !METHODS.has(method)) throw new GatewayError('method_not_allowed')
  if (url === undefined || url.charCodeAt(0) !== 0x2f) throw bad('The request target must be a path.')
  if (url.length > URL_BYTES_MAX) throw bad(`The URL is longer than ${URL_BYTES_MAX} bytes.`)
  if (!TARGET.test(url)) throw bad('The URL must be printable ASCII without "#"; percent-encode the rest.')
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw bad('Use HTTP/1.1.')
  if (rawHeaders.length > HEADERS_MAX * 2) throw bad(`More than ${HEADERS_MAX} headers.`)
  const head: RequestHead = {
    authorization: null,
    apiKey: null,
    contentType: null,
    contentLength: null,
    chunked: false,
    hop: null,
    forward: [],
    userAgent: null,
    tags: noTags,
    session: null,
    clientTag: null,
  }
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    if (name === 'host') hosts++
    else readHeader(head, name, rawHeaders[i + 1] as string, httpVersion)
  }
  if (hosts > 1) throw bad('More than one Host header.')
  return head
}

function readHeader(head: RequestHead, name: string, value: string, httpVersion: string): void {
  switch (name) {
    case 'authorization':
      if (head.authorization !== null) throw bad('More than one Authorization header.')
      head.authorization = value
      break
    case 'api-key':
      if (head.apiKey !== null) throw bad('More than one api-key header.')
      head.apiKey = value
      break
    case 'content-type':
      head.contentType = value
      break
    case 'content-length':
      head.contentLength = Number(value)
      break
    case 'content-encoding':
      if (value.toLowerCase() !== 'identity') throw new GatewayError('unsupported_content')
      break
    case 'transfer-encoding':
      if (value.toLowerCase() !== 'chunked' || httpVersion === '1.0') throw bad('Unusual transfer-encoding.')
      head.chunked = true
      break
    case 'upgrade':
      throw bad('This path does not upgrade.')
    case 'x-headgate-hop':
      if (!HOPS.test(value)) throw bad('The header "x-headgate-hop" is not one of ours.')
      head.hop = value
      break
    case CALL_TAGS_HEADER:
      head.tags = tagsIn(head, value)
      head.clientTag = clientTagOf(head.tags)
      break
    case 'x-headgate-session':
      if (!SESSION.test(value) || head.session !== null)
        throw bad('Send one "x-headgate-session" of 1 to 128 printable characters without blanks.')
      head.session = value
      break
    case 'user-agent':
      head.userAgent = value
      break
    case 'accept':
    case 'openai-beta':
      if (!FORWARDED_VALUE.test(value)) throw bad(`The header "${name}" holds a control character.`)
      head.forward.push(name, value)
      break
  }
}

function tagsIn({ tags }: RequestHead, value: string): CallTags {
  if (tags !== noTags) throw bad(`More than one ${CALL_TAGS_HEADER} header.`)
  const read = readCallTags(value)
  if (typeof read === 'string') throw bad(`The header "${CALL_TAGS_HEADER}" cannot be read: ${read}.`)
  return read
}

/** @throws GatewayError `invalid_request` for one that would not be kept, so that nobody trusts in it */
function clientTagOf(tags: CallTags): string | null {
  const tag = tags.get('client') ?? null
  if (tag === null || ClientTag.safeParse(tag).success) return tag
  throw bad(
    `The tag "client" in "${CALL_TAGS_HEADER}" is 1 to 64 letters, digits and . _ : - and begins with a letter or digit.`,
  )
}

/** Refuses a body that is not JSON, with a sentence that names the header to send. */
export function checkJsonBody(head: RequestHead): void {
  const type = head.contentType
  if (type === 'application/json') return
  if (type !== null && /^application\/json\s*(;|$)/i.test(type)) return
  throw new GatewayError('unsupported_content', {
    public: `Send "Content-Type: application/json"; this request says ${type === null ? 'nothing' : 'otherwise'}.`,
  })
}
