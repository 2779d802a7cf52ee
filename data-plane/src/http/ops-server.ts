/** The operators' door, on a port of its own: metrics and health, nothing that changes anything. */
import { createServer, type Server } from 'node:http'
import type { SideDoor } from './server.ts'

export function openOpsDoor(metricsText: () => string, health: SideDoor): Server {
  return createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (message, response) => {
    if (health(message, response)) return
    const found = message.method === 'GET' && message.url === '/metrics'
    const body = found ? metricsText() : 'not found: this port serves /metrics, /livez and /readyz\n'
    const type = found ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain; charset=utf-8'
    response.writeHead(found ? 200 : 404, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
}
