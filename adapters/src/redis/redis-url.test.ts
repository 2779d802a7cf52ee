/** The forms of a Redis URL, and what its errors may not say. */
import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from './redis-url.ts'

describe('a Redis URL', () => {
  test('names one server, with user, password and database', () => {
    expect(parseRedisUrl('redis://app:p%40ss%3A@cache.example.com:6380/3')).toEqual({
      kind: 'single',
      tls: false,
      addresses: [{ host: 'cache.example.com', port: 6380 }],
      username: 'app',
      password: 'p@ss:',
      database: 3,
      primaryName: null,
    })
  })

  test('has defaults: port 6379, database 0, no user', () => {
    expect(parseRedisUrl('rediss://:secret@cache')).toMatchObject({
      tls: true,
      addresses: [{ host: 'cache', port: 6379 }],
      username: null,
      password: 'secret',
      database: 0,
    })
  })

  test('names a cluster by some of its nodes', () => {
    expect(parseRedisUrl('rediss+cluster://u:p@a:7000,b:7001,[::1]:7002')).toMatchObject({
      kind: 'cluster',
      tls: true,
      addresses: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: '::1', port: 7002 },
      ],
    })
  })

  test('names sentinels and the primary they watch', () => {
    expect(parseRedisUrl('redis+sentinel://:p@a,b:26380/main')).toMatchObject({
      kind: 'sentinel',
      addresses: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 26380 },
      ],
      primaryName: 'main',
    })
  })

  test.each([
    'http://cache:6379',
    'redis://',
    'redis://topsecret@cache',
    'redis://u:topsecret@a:1,b:2',
    'redis://u:topsecret@cache:99999',
    'redis://u:topsecret@cache/zero',
    'redis://u:top%secret@cache',
    'redis+sentinel://u:topsecret@a:1',
    'redis+cluster://u:topsecret@a:1/4',
  ])('refuses %s without repeating any of it', (url) => {
    let message = ''
    try {
      parseRedisUrl(url)
    } catch (fault) {
      message = String(fault)
    }
    expect(message).toContain('The Redis URL')
    expect(message).not.toContain('secret')
  })
})
