/**
 * What became of a call, for whoever made it: of a stream under way as it stands, of a call just served here from
 * memory, of any other from the records that the control plane keeps. A call of another key, of anybody's, looks
 * like one that was never made.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import { ownCallOf, RequestId } from '@headgate/domain/own-use'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { AuthorizedLocally } from './call.ts'
import type { Gateway } from './gateway.ts'

/** @throws GatewayError `call_not_found`, `records_unavailable` */
export async function ownCall({ caller, name }: AuthorizedLocally, gateway: Gateway): Promise<unknown> {
  if (!RequestId.safeParse(name).success) throw new GatewayError('call_not_found')
  const { keyId } = caller
  const isOwn = (it: UsageRecord) => it.keyId === keyId
  const before = gateway.recentCalls.of(name).filter(isOwn)
  const now = gateway.streams.find(name)?.soFar()
  if (now !== undefined && isOwn(now)) return ownCallOf([...before, now], 'pending')
  if (isWhole(before)) return ownCallOf(before, 'final')
  // Whoever answers filters by the key as well; that it is done here is what this gateway vouches for.
  const stored = (await gateway.callRecords.find({ requestId: name, keyId })).filter(isOwn)
  if (stored.length === 0) throw new GatewayError('call_not_found')
  return ownCallOf(stored, 'final')
}

/** Attempts are numbered from 1; a call that made none has one record with 0. */
function isWhole(records: readonly UsageRecord[]): boolean {
  return records.length > 0 && records.length >= (records.at(-1)?.attempt ?? 0)
}
