/**
 * A request on its way in: who it is (id), when it came, what its head says, whether its caller is still
 * there. Holds the one flag that makes settling happen exactly once.
 */
import { noTags } from '@headgate/domain/call-tag'
import type { ServingDeployment } from '@headgate/domain/catalog'
import type { UsageAccount } from '@headgate/domain/ports'
import type { RateCard } from '@headgate/domain/rate-card'
import type { DeploymentLoad } from './deployment-load.ts'
import type { Line, WrittenHead } from './line.ts'
import type { RequestHead } from './request-head.ts'

const noHead: RequestHead = {
  authorization: null,
  apiKey: null,
  contentType: null,
  contentLength: null,
  chunked: false,
  hop: null,
  forward: [],
  userAgent: null,
  tags: noTags,
  session: null,
  clientTag: null,
}

/** The last deployment a call was sent to, kept for calls that get no answer from it. */
export type Tried = {
  readonly deployment: ServingDeployment
  readonly price: RateCard | null
  readonly attempt: number
  /** Open until the attempt is settled. */
  readonly account: UsageAccount
}

export class InboundRequest {
  readonly id: string
  readonly arrivedWallMs: number
  readonly arrivedAtMs: number
  readonly method: string
  readonly path: string
  /** After the `?`, without it. */
  readonly query: string
  head: RequestHead = noHead
  bodyBytes = 0
  /** When the body was complete, monotonic: the caller's own slowness is not our overhead. */
  bodyReadAtMs: number
  gone = false
  tried: Tried | null = null
  /** Counts the attempt under way. */
  load: DeploymentLoad | null = null
  #onGone: (() => void) | null = null
  #settled = false

  constructor(written: WrittenHead, line: Line, id: string, nowMs: number, monotonicMs: number) {
    this.id = id
    this.arrivedWallMs = nowMs
    this.arrivedAtMs = monotonicMs
    this.bodyReadAtMs = monotonicMs
    this.method = written.method ?? ''
    const url = written.url ?? ''
    const mark = url.indexOf('?')
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
    line.onOver((whole) => {
      if (whole) return
      this.gone = true
      this.#onGone?.()
    })
  }

  /** Runs the action when the caller goes away; at once if it is gone. A later action takes the place of an earlier. */
  whenGone(action: () => void): void {
    this.#onGone = action
    if (this.gone) action()
  }

  /** The attempt under way, if there is one, has ended. */
  endLoad(): void {
    this.load?.end()
    this.load = null
  }

  /** True the first time only: whoever gets it settles the call. */
  claimSettlement(): boolean {
    if (this.#settled) return false
    this.#settled = true
    return true
  }

  /** The gateway's own share of the time: from the whole body to the upstream, and from its head to the caller. */
  overheadMs(
    upstream: { sentAtMs: number; headAtMs: number } | undefined,
    firstByteAtMs: number | null,
    endedAtMs: number,
  ): number {
    if (upstream === undefined) return endedAtMs - this.bodyReadAtMs
    const back = firstByteAtMs === null ? 0 : firstByteAtMs - upstream.headAtMs
    return upstream.sentAtMs - this.bodyReadAtMs + back
  }
}
