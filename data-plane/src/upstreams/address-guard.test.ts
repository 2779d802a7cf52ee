/** Addresses no credential may ever be sent to. */
import { expect, test } from 'vitest'
import { guardedLookup, isForbiddenAddress } from './address-guard.ts'

test('metadata, link-local, loopback, unspecified and multicast are forbidden in every spelling', () => {
  const forbidden = [
    ...[
      '127.0.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '0.1.2.3',
      '169.254.169.254',
      '169.254.0.1',
      '168.63.129.16',
    ],
    ...['100.100.100.200', '224.0.0.1', '239.255.255.255', '255.255.255.255', '240.0.0.1', '192.0.0.8'],
    ...['::', '::1', 'fe80::1', 'febf::1', 'ff02::1', 'fd00:ec2::254', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'],
  ]
  for (const address of forbidden) expect(isForbiddenAddress(address), address).toBe(true)
})

test('what is no address is forbidden', () => {
  for (const text of [
    '',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '1.2.3.4:80',
    '[::1]',
    'fe80::1%25eth0',
  ])
    expect(isForbiddenAddress(text), text).toBe(true)
})

test('public addresses and private ranges, where private endpoints live, are allowed', () => {
  const allowed = [
    '20.50.1.2',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '2603:1030::1',
    'fd12:3456::1',
  ]
  for (const address of allowed) expect(isForbiddenAddress(address), address).toBe(false)
})

test('a name that resolves to a forbidden address is not connected to', async () => {
  const outcome = await new Promise<{ error: Error | null; address: unknown }>((resolve) =>
    guardedLookup('localhost', {}, (error, address) => resolve({ error, address })),
  )
  expect(outcome.error?.message).toContain('forbidden')
  expect(outcome.address).toEqual([])
})
