/** What a gateway process has: made once in `start.ts`, never a bag a stage may extend. */
import type { Catalog } from '@headgate/domain/catalog'
import type { IdPrefix } from '@headgate/domain/id'
import type {
  CallRecords,
  Clock,
  DigestKey,
  KeyDirectory,
  Ledger,
  SecretResolver,
  UsageStream,
} from '@headgate/domain/ports'
import type { SaidRoom } from '../endpoints/said-room.ts'
import type { CallLog } from '../observe/call-log.ts'
import type { TokenCounter } from '../tokenizer/token-counter.ts'
import type { Connections } from '../upstreams/connection.ts'
import type { DeploymentLoads } from './deployment-loads.ts'
import type { LiveStreams } from './live-streams.ts'
import type { OwnUsePace } from './own-use-pace.ts'
import type { RecentCalls } from './recent-calls.ts'
import type { SeenSpend } from './seen-spend.ts'

export type Gateway = {
  readonly clock: Clock
  readonly newId: (prefix: IdPrefix, nowMs: number) => string
  /** The catalog new calls take; null until the first one has come. */
  readonly catalog: () => Catalog | null
  readonly keys: KeyDirectory
  readonly digest: DigestKey
  readonly ledger: Ledger
  readonly usage: UsageStream
  readonly secrets: SecretResolver
  readonly connections: Connections
  readonly streams: LiveStreams
  readonly seenSpend: SeenSpend
  readonly loads: DeploymentLoads
  readonly recentCalls: RecentCalls
  readonly callRecords: CallRecords
  readonly ownUsePace: OwnUsePace
  /** Counts what no provider told of. */
  readonly tokens: TokenCounter
  /** For what streams keep until they tell their usage. */
  readonly saidRoom: SaidRoom
  readonly log: CallLog
  /** Marks our own requests, so that one which comes back is recognised. */
  readonly instanceId: string
}
