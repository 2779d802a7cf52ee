/** Where each provider style is called, and with which credential. */
import type { ServingDeployment } from '@headgate/domain/catalog'
import { endpointFacts, isOfferedAt } from '@headgate/domain/endpoint'
import type { ApiStyle } from '@headgate/domain/resource'
import { expect, test } from 'vitest'
import { forwardedEndpoints } from '../endpoints/index.ts'
import { upstreams } from './index.ts'

const deployment = {
  upstreamModel: 'my-gpt',
  resource: { apiVersion: '2024-10-21' },
} as unknown as ServingDeployment

const pathOf = (style: ApiStyle, name: string, query = '') => {
  const endpoint = forwardedEndpoints.find((it) => it.name === name)
  return endpoint ? upstreams[style].path(endpoint, deployment, query) : 'no such endpoint'
}

test('each style has its own path for the same endpoint', () => {
  expect(pathOf('openai', 'chat.completions')).toBe('/v1/chat/completions')
  expect(pathOf('azure-v1', 'chat.completions')).toBe('/openai/v1/chat/completions')
  expect(pathOf('azure-dated', 'chat.completions')).toBe(
    '/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21',
  )
  expect(pathOf('azure-dated', 'responses')).toBe('/openai/responses?api-version=2024-10-21')
})

test('what the domain says of an endpoint is what the gateway does with it', () => {
  for (const endpoint of forwardedEndpoints) {
    const { name, path, metered } = endpoint
    const facts = endpointFacts(name)
    expect(facts).toMatchObject({ path, metered })
    expect(facts?.outputField ?? undefined).toBe(endpoint.outputFields[0])
    expect(facts?.choicesField ?? undefined).toBe(endpoint.choiceFields[0])
    for (const style of ['openai', 'azure-v1', 'azure-dated'] as const)
      expect([name, style, isOfferedAt(name, style)]).toEqual([name, style, pathOf(style, name) !== null])
  }
})

test('moderations are offered by OpenAI only', () => {
  expect(pathOf('openai', 'moderations')).toBe('/v1/moderations')
  expect(pathOf('azure-v1', 'moderations')).toBeNull()
  expect(pathOf('azure-dated', 'moderations')).toBeNull()
})

test('a query travels on, but no spelling of it says another api version', () => {
  const spellings = [
    ...[
      'api-version=1',
      'API-Version=1',
      'api%2Dversion=1',
      '%61pi-version=1',
      'api-version',
      'api-version=',
      '+api-version=1',
    ],
    ...['api-version%20=1', '%zz=1'],
  ]
  for (const spelling of spellings) {
    expect(pathOf('azure-dated', 'embeddings', `${spelling}&x=1&&y`), spelling).toBe(
      '/openai/deployments/my-gpt/embeddings?api-version=2024-10-21&x=1&y',
    )
    expect(pathOf('openai', 'embeddings', spelling), spelling).toBe('/v1/embeddings')
  }
  expect(pathOf('azure-v1', 'embeddings', 'xapi-version=1&a=%26b')).toBe(
    '/openai/v1/embeddings?xapi-version=1&a=%26b',
  )
})

test('a deployment name cannot leave its place in the path', () => {
  const endpoint = forwardedEndpoints.find((it) => it.name === 'embeddings')
  if (!endpoint) throw new Error('no embeddings')
  for (const name of ['a/b', 'a#b', 'a?b', '../x', 'a b', 'a\\b']) {
    const path = upstreams['azure-dated'].path(endpoint, { ...deployment, upstreamModel: name }, '') ?? ''
    const url = new URL(path, 'https://a.test')
    expect(url.pathname.split('/').length, name).toBe(5)
    expect(url.search).toBe('?api-version=2024-10-21')
  }
})

test('OpenAI gets the credential as a bearer token, Azure in api-key', () => {
  expect(upstreams.openai.credential('s')).toEqual(['authorization', 'Bearer s'])
  expect(upstreams['azure-v1'].credential('s')).toEqual(['api-key', 's'])
  expect(upstreams['azure-dated'].credential('s')).toEqual(['api-key', 's'])
})
