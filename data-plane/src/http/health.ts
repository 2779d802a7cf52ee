/**
 * Health answers: `/livez` says the process runs, `/readyz` says it may be sent traffic. They need no key,
 * tell no detail, and are no calls, so they leave no usage record.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SideDoor } from './server.ts'

export type Health = {
  /** Why this gateway should get no traffic, or null when it should. */
  unreadyBecause(): string | null
}

export function healthDoor(health: Health): SideDoor {
  return (message: IncomingMessage, response: ServerResponse) => {
    if (message.url !== '/livez' && message.url !== '/readyz') return false
    if (message.method !== 'GET' && message.method !== 'HEAD') return false
    const reason = message.url === '/readyz' ? health.unreadyBecause() : null
    const body = reason === null ? 'ok\n' : `not ready: ${reason}\n`
    response.writeHead(reason === null ? 200 : 503, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(message.method === 'HEAD' ? undefined : body)
    return true
  }
}
