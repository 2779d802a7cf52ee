/**
 * What the SDK throws, as a sentence for operators: the status, what it means and what to do. Texts of the service and of
 * the SDK are left out, because they hold addresses, what was signed, and parts of tokens.
 */
import { SinkFault } from '@headgate/domain/sink'

/** What can be read off whatever was thrown. */
export type Told = {
  /** The status of an answer; null when there was none. */
  readonly status: number | null
  readonly code: string
  readonly retryAfterMs: number | null
}

const DEPTH_MAX = 5
const NO_ANSWER = /^(TimeoutError|AbortError|REQUEST_SEND_ERROR|E[A-Z_]+|[A-Z]+_[A-Z_]+)$/

/** The SDK wraps what was thrown into other errors. */
export function toldBy(thrown: unknown): Told {
  let name = ''
  for (let depth = 0, it = thrown; depth < DEPTH_MAX && it instanceof Error; depth++, it = it.cause) {
    const { code, statusCode, retryAfterInMs } = it as Error & Record<string, unknown>
    const status = [code, statusCode].find((one) => typeof one === 'number')
    const retryAfterMs = typeof retryAfterInMs === 'number' && retryAfterInMs >= 0 ? retryAfterInMs : null
    if (typeof status === 'number') return { status, code: String(status), retryAfterMs }
    if (typeof code === 'string' && NO_ANSWER.test(code)) return { status: null, code, retryAfterMs: null }
    name = it.name
  }
  return { status: null, code: name, retryAfterMs: null }
}

const cures: Readonly<Record<number, string>> = {
  401: 'it does not accept the credential; correct HEADGATE_COSMOS_KEY, or leave it out to use the identity of the process',
  403: 'it lets us in and not through; give the identity the role "Cosmos DB Built-in Data Contributor" on the account, and this network a way to it',
  404: 'the database or container is not there; create it as docs/guides/sinks.md says',
  408: 'it was too slow',
  429: 'it has no request units left; give the container more throughput, or wait',
  503: 'it is not available',
}

/** What to say of it, and when to try again. */
export function faultOf({ status, code, retryAfterMs }: Told): SinkFault {
  if (status !== null)
    return new SinkFault(
      `Cosmos DB answers ${status}: ${cures[status] ?? 'it could not do it'}`,
      retryAfterMs,
    )
  if (/^(CredentialUnavailable|Authentication|AggregateAuthentication)/.test(code))
    return new SinkFault(
      `there is no token for Cosmos DB (${code}): give the process an identity, or set HEADGATE_COSMOS_KEY`,
    )
  return new SinkFault(
    `Cosmos DB cannot be reached (${code}): check HEADGATE_COSMOS_ENDPOINT and the network`,
  )
}
