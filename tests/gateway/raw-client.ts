/**
 * HTTP clients that hide nothing: one that gives a reply with its raw head and bytes, and one that is a bare
 * socket, for requests no library would send.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'

export type RawReply = {
  readonly status: number
  /** By lower-case name; repeated ones are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export type Sent = {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | object
}

/** Sends a request and resolves with the head as soon as it comes. */
export function open(origin: string, sent: Sent): Promise<IncomingMessage> {
  const { body } = sent
  const bytes =
    body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ hostname, port, agent: false, path: sent.path ?? '/v1/chat/completions' },
      method: sent.method ?? 'POST',
      headers: {
        ...(bytes !== undefined && {
          'content-type': 'application/json',
          ...(sent.headers?.['transfer-encoding'] === undefined && {
            'content-length': Buffer.byteLength(bytes),
          }),
        }),
        ...sent.headers,
      },
    })
    request.on('error', reject)
    request.on('response', resolve)
    request.end(bytes)
  })
}

/** Sends a request and resolves with the whole reply; rejects when it is cut. */
export async function send(origin: string, sent: Sent): Promise<RawReply> {
  const message = await open(origin, sent)
  const pieces: Buffer[] = []
  for await (const piece of message) pieces.push(piece as Buffer)
  return {
    status: message.statusCode ?? 0,
    headers: headersOf(message.rawHeaders),
    body: Buffer.concat(pieces),
  }
}

function headersOf(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    headers[name] = name in headers ? `${headers[name]}, ${raw[i + 1]}` : (raw[i + 1] as string)
  }
  return headers
}

export type BareSocket = {
  readonly socket: Socket
  /** All that was received, as latin1. */
  text(): string
  /** The whole replies received so far. */
  replies(): RawReply[]
  /** Resolves when what was received fits, or the gateway has closed; rejects after 10 s. */
  until(fits: (text: string) => boolean): Promise<string>
  /** Resolves when the gateway has closed the connection. */
  readonly closed: Promise<void>
}

/** A connection that sends just the bytes it is told to. */
export function bareSocket(origin: string): BareSocket {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let text = ''
  let over = false
  const checks = new Set<() => void>()
  const check = () => {
    for (const it of [...checks]) it()
  }
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
    check()
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) =>
    socket.on('close', () => {
      over = true
      check()
      resolve()
    }),
  )
  const until = (fits: (text: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const timer = setTimeout(
        () => finish(new Error(`nothing fitting within 10 s, only: ${text.slice(-500)}`)),
        10_000,
      )
      const finish = (error: Error | null) => {
        clearTimeout(timer)
        checks.delete(look)
        if (error) reject(error)
        else resolve(text)
      }
      const look = () => {
        if (over || fits(text)) finish(null)
      }
      checks.add(look)
      look()
    })
  return { socket, text: () => text, replies: () => readReplies(text), until, closed }
}

/** Sends bytes on a connection of their own and gives all that came back once the gateway closed it or fell silent. */
export async function exchangeRaw(
  origin: string,
  bytes: string | Buffer,
  quietMs = 300,
): Promise<{ text: string; closed: boolean; replies: RawReply[] }> {
  const bare = bareSocket(origin)
  bare.socket.write(bytes, 'latin1')
  let closed = false
  void bare.closed.then(() => {
    closed = true
  })
  for (let seen = -1; !closed && (seen !== bare.text().length || seen === 0); ) {
    seen = bare.text().length
    await Promise.race([bare.closed, new Promise((resolve) => setTimeout(resolve, quietMs))])
    if (seen === 0 && bare.text().length === 0) break
  }
  bare.socket.destroy()
  return { text: bare.text(), closed, replies: bare.replies() }
}

/** The whole replies at the beginning of what was received; informational ones are passed over. */
function readReplies(text: string): RawReply[] {
  const replies: RawReply[] = []
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) return replies
    const lines = text.slice(at, end).split('\r\n')
    const status = Number(lines[0]?.split(' ')[1])
    const headers = headersOf(lines.slice(1).flatMap((line) => line.split(/: ?(.*)/s, 2)))
    const read = readBody(text, end + 4, headers)
    if (read === null) return replies
    at = read.end
    if (status >= 200) replies.push({ status, headers, body: Buffer.from(read.body, 'latin1') })
  }
}

function readBody(
  text: string,
  from: number,
  headers: Record<string, string>,
): { body: string; end: number } | null {
  if (headers['transfer-encoding'] !== 'chunked') {
    const end = from + Number(headers['content-length'] ?? 0)
    return text.length < end ? null : { body: text.slice(from, end), end }
  }
  let body = ''
  for (let at = from; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    const end = lineEnd + 2 + size
    if (text.length < end + 2) return null
    body += text.slice(lineEnd + 2, end)
    at = end + 2
    if (size === 0) return { body, end: at }
  }
}

/** The text of a request as it goes over the wire. */
export function requestText(
  key: string,
  { method = 'POST', path = '/v1/chat/completions', headers = [] as readonly string[], body = '' } = {},
): string {
  const length =
    body === '' && method === 'GET'
      ? []
      : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: gateway.test',
    `Authorization: Bearer ${key}`,
    ...length,
    ...headers,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${Buffer.from(body).toString('latin1')}`
}

/** A small chat body. */
export function chatBody(model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'Say héllo 🙂' }], ...more })
}
