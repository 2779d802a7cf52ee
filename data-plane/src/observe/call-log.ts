/**
 * What the data plane tells of its calls: each is counted, faults of ours are written down with their cause,
 * and a provider that refuses our credential is named. Never a body, a header or a credential.
 */
import type { GatewayError } from '@headgate/domain/gateway-error'
import type { Log } from '@headgate/domain/ports'
import { redact } from '@headgate/domain/redaction'
import type { UsageRecord } from '@headgate/domain/usage-record'

export type CallLog = {
  /** The end of a call. */
  call(record: UsageRecord): void
  /** A fault of ours, with what is needed to mend it. */
  fault(requestId: string, error: GatewayError): void
  /** A provider refused our credential; told once a minute for each resource, not for each call. */
  credentialRefused(resource: string, status: number): void
}

const REPEAT_MS = 60_000

export function callLog(log: Log, countCall: (record: UsageRecord) => void): CallLog {
  const toldAtMs = new Map<string, number>()
  return {
    call: countCall,
    credentialRefused: (resource, status) => {
      const nowMs = performance.now()
      if (nowMs - (toldAtMs.get(resource) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
      toldAtMs.set(resource, nowMs)
      log('error', 'a provider refuses our credential: check what its secret_ref leads to', {
        resource,
        status,
      })
    },
    fault: (requestId, error) => {
      const { cause } = error.detail
      const stack = cause instanceof Error ? redact(cause.stack ?? '', 4000) : undefined
      log('error', 'a call failed by a fault of ours', { requestId, error: redact(error.message), stack })
    },
  }
}
