/**
 * The types of how far a call has got. Each stage takes one and gives the next, so a wrong order does not
 * compile; settling reads whatever was reached, so a refused call is recorded with all that was known.
 */

import type { BudgetState } from '@headgate/domain/budget'
import type { Caller } from '@headgate/domain/caller'
import type { Catalog, ServingAlias, ServingDeployment } from '@headgate/domain/catalog'
import type { Estimate } from '@headgate/domain/estimate'
import type { RateCard } from '@headgate/domain/rate-card'
import type { Ask, Claim, PoolState } from '@headgate/domain/reservation'
import type { ShadowRefusal } from '@headgate/domain/usage-record'
import type { ForwardedEndpoint, LocalEndpoint } from '../endpoints/endpoint.ts'
import type { Body, Splice } from '../message/body.ts'
import type { InboundRequest } from '../message/inbound-request.ts'
import type { Exchange } from '../upstreams/exchange.ts'
import type { ResponseHead } from '../upstreams/response-parser.ts'

/** A request that will be forwarded: its endpoint is known and its body has been read. */
export type Received = {
  readonly endpoint: ForwardedEndpoint
  readonly request: InboundRequest
  readonly body: Body
  /** What the caller asks for: the body's `model`, or the deployment named in an Azure path. */
  readonly model: string
  /** What the body itself says in `model`; null when it says nothing. */
  readonly bodyModel: string | null
  readonly stream: boolean
  /** The caller wants the usage event of the stream for itself. */
  readonly asksUsage: boolean
  readonly catalog: Catalog
}

/** A request the gateway answers itself. */
export type ReceivedLocally = {
  readonly endpoint: LocalEndpoint
  readonly request: InboundRequest
  /** The name at the end of the path, where the endpoint has one. */
  readonly name: string
  readonly catalog: Catalog
}

export type Candidates = readonly [ServingDeployment, ...ServingDeployment[]]

/** What budgets made of a call. */
export type BudgetTerms = {
  /** What is held and settled is money of this currency; null where no budget counts the call. */
  readonly currency: string | null
  readonly state: BudgetState
  /** The alias the caller asked for, when a budget had another one serve. */
  readonly downshiftedFrom: string | null
}

/** What was held before the call: claims in the order of `states`, and the estimate behind them. */
export type Reservation = {
  readonly claims: readonly Claim[]
  readonly states: readonly PoolState[]
  readonly estimate: Estimate
  /** Null where there is no budget. */
  readonly budget: BudgetTerms | null
  /** All that the ledger has to be told the end of; one more for every quota a failover turned to. */
  readonly asks: Ask[]
}

/** What the upstream said first, and which attempt it was. */
export type UpstreamReply = {
  readonly exchange: Exchange
  readonly head: ResponseHead
  readonly attempt: number
  readonly sentAtMs: number
  readonly headAtMs: number
}

export type Identified<R> = R & { readonly caller: Caller }
export type Authenticated<I extends Identified<unknown>> = I & { readonly authenticatedAtMs: number }
export type Routed = Authenticated<Identified<Received>> & {
  readonly alias: ServingAlias
  /** The rule of the route that holds for it; null where none does. */
  readonly rule: string | null
  readonly candidates: Candidates
}
/** What a shadow policy would have refused; null when none objects. */
type Shadowed = { readonly shadowRefusal: ShadowRefusal | null }
export type Authorized = Routed &
  Shadowed & {
    readonly estimate: Estimate
    /** The cap on the output, for a body that names no ceiling of its own. */
    readonly capSplices: readonly Splice[]
  }
export type AuthorizedLocally = Authenticated<Identified<ReceivedLocally>> & Shadowed
export type Reserved = Authorized & { readonly reservation: Reservation }
export type Answered = Reserved & {
  readonly deployment: ServingDeployment
  /** What its usage costs; null when that is unknown. */
  readonly price: RateCard | null
  readonly upstream: UpstreamReply
}

/** However far a call got. */
export type Reached = { readonly request: InboundRequest } & Partial<
  Omit<Answered, 'request' | 'endpoint'>
> & {
    readonly endpoint?: ForwardedEndpoint | LocalEndpoint
  }
