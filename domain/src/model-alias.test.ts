/** Which names and origins pass. */
import { describe, expect, test } from 'vitest'
import { DisplayName, MachineName } from './name.ts'
import { NewResource, ProviderOrigin } from './resource.ts'

describe('names', () => {
  test.each(['Search', 'Zürich Ops', '東京', 'a', 'x'.repeat(100)])('%j is a display name', (name) => {
    expect(DisplayName.safeParse(name).success).toBe(true)
  })

  test.each(['', ' a', 'a ', 'a\nb', 'a\u0000', '\u202ea', 'x'.repeat(101)])('%j is none', (name) => {
    expect(DisplayName.safeParse(name).success).toBe(false)
  })

  test.each(['../x', 'a/b', 'a#b', 'a?b', '.a', '', 'a b', 'é', 'a\n'])('%j is no machine name', (name) => {
    expect(MachineName.safeParse(name).success).toBe(false)
  })
})

describe('a provider origin', () => {
  test.each([
    'https://api.openai.com',
    'https://x.openai.azure.com',
    'https://10.0.0.4:8443',
    'http://127.0.0.1:9999',
  ])('%s is one', (origin) => {
    expect(ProviderOrigin.safeParse(origin).success).toBe(true)
  })

  test.each([
    'http://api.openai.com',
    'https://api.openai.com/',
    'https://user@api.openai.com',
    'https://api.openai.com#x',
    'https://API.openai.com',
    'https://[::1]',
    'http://127.0.0.1.evil.example:80',
    'https://api.openai.com\n',
    'https://-a.com',
  ])('%j is none', (origin) => {
    expect(ProviderOrigin.safeParse(origin).success).toBe(false)
  })
})

test('a dated Azure resource needs an api version, and no other takes one', () => {
  const resource = { name: 'east', origin: 'https://x.openai.azure.com', secretRef: 'env://AZURE_KEY' }
  const fits = (apiStyle: string, apiVersion?: string) =>
    NewResource.safeParse({ ...resource, apiStyle, ...(apiVersion ? { apiVersion } : {}) }).success
  expect(fits('azure-dated', '2024-10-21')).toBe(true)
  expect(fits('azure-dated')).toBe(false)
  expect(fits('openai')).toBe(true)
  expect(fits('openai', '2024-10-21')).toBe(false)
})
