/**
 * Posts a body to a receiver of alerts: to guarded addresses only, without following redirects, within one
 * deadline, and reading no more of the answer than is shown.
 */
import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { literalIsAllowed, type ReceiverGuard } from './receiver-guard.ts'

export const DEADLINE_MS = 10_000
const ANSWER_BYTES_MAX = 1_024

type Posting = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly guard: ReceiverGuard
  readonly deadlineMs?: number
}

export type Posted = { readonly status: number; readonly text: string }

/**
 * @throws Error in words that may be shown when there is no answer; the address is not repeated, it may be a secret
 */
export function post(
  url: string,
  { headers, body, guard, deadlineMs = DEADLINE_MS }: Posting,
): Promise<Posted> {
  const { hostname, protocol } = new URL(url)
  if (!literalIsAllowed(guard, hostname))
    return Promise.reject(new Error('its address is one that alerts may not be sent to'))
  const request = protocol === 'https:' ? secureRequest : plainRequest
  const signal = AbortSignal.timeout(deadlineMs)
  return new Promise((resolve, reject) => {
    const failed = (fault: Error) =>
      reject(signal.aborted ? new Error(`no answer within ${deadlineMs / 1000} s`) : fault)
    const sent = request(
      url,
      {
        ...{ method: 'POST', agent: false, lookup: guard.lookup, signal },
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (answer) => {
        const pieces: Buffer[] = []
        let bytes = 0
        const done = () => {
          const text = Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString('utf8')
          resolve({ status: answer.statusCode ?? 0, text })
          answer.destroy()
        }
        answer.on('data', (piece: Buffer) => {
          pieces.push(piece)
          bytes += piece.length
          if (bytes >= ANSWER_BYTES_MAX) done()
        })
        answer.once('end', done)
        answer.once('error', failed)
      },
    )
    sent.once('error', failed)
    sent.end(body)
  })
}
