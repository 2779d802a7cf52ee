/**
 * Which addresses alerts may be sent to. Admins choose the receiver, so it must not open inner doors: public
 * addresses only, and private networks that the settings name. Judged when a channel is written and again on
 * every resolved address when it is used, because a name may change its answer.
 */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/** Special-purpose networks (IANA's registries) that no network of the settings opens: metadata, link-local and their like. */
const NEVER_V4: readonly [address: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['100.100.100.200', 32],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['224.0.0.0', 3],
]
const PRIVATE_V4: readonly [address: string, bits: number][] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
]
/** Within the only part of IPv6 that is given out, what stands for IPv4 or for no place. */
const NEVER_V6: readonly [address: string, bits: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
]
const UNIQUE_LOCAL = ['fc00::', 7] as const
const METADATA_V6 = ['fd00:ec2::', 32] as const

export type ReceiverGuard = {
  /** True where alerts may be sent to this address. */
  allows(address: string): boolean
  /** A `lookup` for sockets that fails when any resolved address is not allowed. */
  lookup(host: string, options: LookupOptions, callback: LookupCallback): void
}
type LookupCallback = (error: Error | null, addresses: LookupAddress[] | string, family?: number) => void

export type ReceiverPlan = {
  /** Private networks that may be reached, as `10.20.0.0/16`. */
  readonly networks: readonly string[]
  /** Lets 127.0.0.1 through: for evaluation and tests. */
  readonly allowLoopback: boolean
}

/** True for a network as `10.20.0.0/16` or `fd12:3456::/48`. */
export function isNetwork(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  )
}

export function receiverGuard({ networks, allowLoopback }: ReceiverPlan): ReceiverGuard {
  const never = listOf([...NEVER_V4, ...NEVER_V6, METADATA_V6])
  const inner = listOf([...PRIVATE_V4, UNIQUE_LOCAL])
  const opened = listOf(networks.map((it) => [it.split('/')[0] ?? '', Number(it.split('/')[1])]))
  const global = listOf([
    ['0.0.0.0', 0],
    ['2000::', 3],
  ])
  const allows = (address: string): boolean => {
    if (allowLoopback && address === '127.0.0.1') return true
    if (isIP(address) === 0 || has(never, address)) return false
    return has(opened, address) || (has(global, address) && !has(inner, address))
  }
  const guarded = (host: string, options: LookupOptions, callback: LookupCallback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const [first] = addresses
      if (first === undefined || !addresses.every((it) => allows(it.address)))
        return callback(new Error('the name resolves to an address that alerts may not be sent to'), [])
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  return { allows, lookup: guarded }
}

function listOf(networks: readonly (readonly [address: string, bits: number])[]): BlockList {
  const list = new BlockList()
  for (const [address, bits] of networks) list.addSubnet(address, bits, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return list
}

/** The host an address leads to is judged before a name is resolved: a literal never is. */
export function literalIsAllowed(guard: Pick<ReceiverGuard, 'allows'>, hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return guard.allows(host)
  return !/(^|\.)localhost$/.test(host)
}

function has(list: BlockList, address: string): boolean {
  // Within IPv6, what is mapped from IPv4 would be judged as that: no receiver is written so.
  const isV4 = isIP(address) === 4
  return (isV4 || !address.toLowerCase().startsWith('::')) && list.check(address, isV4 ? 'ipv4' : 'ipv6')
}
