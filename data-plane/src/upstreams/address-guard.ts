/**
 * Which addresses an upstream connection may reach. Private ranges are allowed, since private endpoints
 * resolve to them; metadata, link-local, loopback, unspecified and multicast never are. Checked on every
 * resolved address at connect time, because a name may change its answer after it was allowed.
 */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/** Azure's metadata address is outside the link-local range. */
const FORBIDDEN_V4: readonly [address: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['100.100.100.200', 32],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
]
const FORBIDDEN_V6: readonly [address: string, bits: number][] = [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fe80::', 10],
  ['fd00:ec2::', 32],
  ['ff00::', 8],
]

const forbidden = new BlockList()
for (const [address, bits] of FORBIDDEN_V4) forbidden.addSubnet(address, bits, 'ipv4')
for (const [address, bits] of FORBIDDEN_V6) forbidden.addSubnet(address, bits, 'ipv6')

/** True when no upstream may ever live at this address. Mapped IPv6 forms count as the IPv4 inside them. */
export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return true
  return forbidden.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

type LookupCallback = (error: Error | null, addresses: LookupAddress[] | string, family?: number) => void

/** A `lookup` for sockets that fails when any resolved address is forbidden. */
export function guardedLookup(host: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, [])
    if (addresses.length === 0 || addresses.some((it) => isForbiddenAddress(it.address))) {
      return callback(new Error('the upstream name resolves to a forbidden address'), [])
    }
    const [first] = addresses as [LookupAddress]
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}
