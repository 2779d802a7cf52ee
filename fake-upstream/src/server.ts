/**
 * The fake upstream: an HTTP server that behaves like OpenAI and Azure OpenAI, the same way every time, and keeps
 * a record of what it served and would bill. README.md lists its endpoints and the sentinel model names.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openRecord, type ServedCall } from './record.ts'
import { servePage } from './record-page.ts'
import { type Fake, serveCall } from './serve-call.ts'

export type FakeUpstreamOptions = {
  /** 127.0.0.1 when not given. */
  host?: string
  /** 0, any free port, when not given. */
  port?: number
  /** The one credential accepted; without it any is, and none is needed. */
  apiKey?: string
  /** Waits are divided by this: 10 is ten times faster, Infinity does not wait (but for ever stays for ever). */
  speed?: number
  /** Calls the record holds before it drops the oldest; 10 000 when not given. */
  recordMax?: number
  /** Keeps the first 64 KiB of each answer in the record, for comparing byte by byte. */
  keepAnswers?: boolean
  /** Where the sentinel `redirect` leads: an origin. */
  redirectTo?: string
  /** Unix milliseconds for `created`; a fixed moment when not given, so that answers repeat. */
  clock?: () => number
}

export type FakeUpstream = {
  /** `http://host:port`, without a path. */
  origin: string
  port: number
  /** Copies of the calls served, oldest first; calls under way have no outcome yet. */
  record: () => ServedCall[]
  /** Forgets all calls; numbers and ids begin again. */
  reset: () => void
  /** Stops listening; calls under way may end within `graceMs` (0 when not given), then their sockets are destroyed. */
  close: (within?: { graceMs: number }) => Promise<void>
}

/** 2026-01-15 00:00 UTC. */
const FIXED_MOMENT_MS = 1_768_435_200_000
const RECORD_MAX = 10_000
/** Longer than any client's pool keeps a connection, so that no request meets a closing socket. */
const KEEP_ALIVE_MS = 90_000

/**
 * Starts a fake upstream. Throws RangeError for an option that makes no sense; rejects when the port is taken.
 */
export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const { host = '127.0.0.1', port = 0 } = options
  const fake = makeFake(options)
  const reset = () => {
    fake.record.reset()
    fake.callsByModel.clear()
  }
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
    if (request.url?.startsWith('/__')) servePage(request, response, { fake, reset })
    else void serveCall(request, response, fake)
  })
  const address = await listen(server, { host, port })
  const named = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    origin: `http://${named}:${address.port}`,
    port: address.port,
    record: fake.record.list,
    reset,
    close: (within) => close(server, within?.graceMs ?? 0),
  }
}

function makeFake(options: FakeUpstreamOptions): Fake {
  const { speed = 1, recordMax = RECORD_MAX, redirectTo = 'https://elsewhere.invalid' } = options
  if (!(speed > 0)) throw new RangeError(`speed must be above 0 (Infinity for no waits), not ${speed}`)
  if (!Number.isInteger(recordMax) || recordMax < 1) {
    throw new RangeError(`recordMax must be a whole number of at least 1, not ${recordMax}`)
  }
  if (!URL.canParse(redirectTo)) throw new RangeError(`redirectTo must be an origin, not '${redirectTo}'`)
  return {
    record: openRecord(recordMax),
    apiKey: options.apiKey ?? null,
    speed,
    keepAnswers: options.keepAnswers ?? false,
    redirectTo,
    clock: options.clock ?? (() => FIXED_MOMENT_MS),
    callsByModel: new Map(),
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      reject(
        new Error(`Port ${port} on ${host} is in use; choose another, or 0 for any free one.`, {
          cause: error,
        }),
      )
    })
    server.listen(port, host, () => resolve(server.address() as AddressInfo))
  })
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(giveUp)
      resolve()
    })
    server.closeIdleConnections()
  })
}
