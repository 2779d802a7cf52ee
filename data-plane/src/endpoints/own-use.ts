/**
 * GET /headgate/me and /headgate/requests/{id}: what a key may use and what is left of it, and what became of a call
 * that it made. Ours, not OpenAI's, so they stand below a path of their own.
 */
import type { LocalEndpoint } from './endpoint.ts'

export const readOwnUse: LocalEndpoint = {
  kind: 'local',
  name: 'headgate.me',
  method: 'GET',
  path: '/headgate/me',
  named: false,
  isOpenAi: false,
}

export const readOwnCall: LocalEndpoint = {
  kind: 'local',
  name: 'headgate.requests',
  method: 'GET',
  path: '/headgate/requests',
  named: true,
  isOpenAi: false,
}
