/** No address of an inner network is reached but those that the settings name, and never the metadata's. */
import { expect, test } from 'vitest'
import { isNetwork, literalIsAllowed, receiverGuard } from './receiver-guard.ts'

const guard = receiverGuard({ networks: [], allowLoopback: false })

test.each([
  ...['169.254.169.254', '0.0.0.0', '127.0.0.1', '127.0.0.2', '10.1.2.3', '172.31.0.1', '192.168.0.1'],
  ...[
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.8',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
  ],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::7f00:1', '64:ff9b::7f00:1'],
  ...[
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2001:db8::1',
    'name',
  ],
])('%s is not sent to', (address) => {
  expect(guard.allows(address)).toBe(false)
})

test.each(['8.8.8.8', '2600:1901::1', '20.20.20.20'])('%s is sent to', (address) => {
  expect(guard.allows(address)).toBe(true)
})

test('a network of the settings is opened, but no metadata within it', () => {
  const opened = receiverGuard({
    networks: ['10.20.0.0/16', 'fd00::/8', '169.254.0.0/16'],
    allowLoopback: false,
  })
  expect(['10.20.1.1', 'fd12::1'].every(opened.allows)).toBe(true)
  expect(['10.21.0.1', 'fd00:ec2::254', '169.254.169.254', '127.0.0.1'].some(opened.allows)).toBe(false)
  expect(['10.0.0.0/8', 'fd12::/48'].every(isNetwork)).toBe(true)
  expect(['10.0.0.0', '10.0.0.0/33', 'a/8', '10.0.0.0/8/8', '10.0.0.0/-1', ''].some(isNetwork)).toBe(false)
})

test.each(['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '0'])(
  'the spelling %s of an inner address is seen through',
  (host) => {
    expect(literalIsAllowed(guard, new URL(`https://${host}/`).hostname)).toBe(false)
  },
)

test('a name that leads to an inner address is refused when it is looked up', async () => {
  const fault = await new Promise<Error | null>((resolve) => {
    guard.lookup('localhost', {}, (error) => resolve(error))
  })
  expect(fault?.message).toContain('may not be sent to')
  expect(literalIsAllowed(guard, 'localhost')).toBe(false)
  expect(literalIsAllowed(guard, 'a.localhost')).toBe(false)
})
