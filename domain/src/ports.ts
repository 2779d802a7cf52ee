/**
 * Everything the planes need of the outside world, on one page. Adapters implement these (Redis, memory,
 * secrets); only a `main.ts` chooses which. Postgres has no port: it has one implementation.
 */
import type { CatalogDocument } from './catalog.ts'
import type { CallQuestion } from './own-use.ts'
import type { KeyRecord } from './proxy-key.ts'
import type { Ask, LivePool, Pool, PoolUse, Used, Verdict } from './reservation.ts'
import type { Secret, SecretRef } from './secret-ref.ts'
import type { RefusedEntry, SinkEntry } from './sink-entry.ts'
import type { SealedSecret } from './stored-secret.ts'
import type { UsageIntent, UsageProgress } from './usage-intent.ts'
import type { UsageRecord } from './usage-record.ts'

/** Time from outside, so that tests own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For what people read; never for durations. */
  nowMs(): number
  /** Monotonic milliseconds with a fraction. For durations only. */
  monotonicMs(): number
}

/** Hex HMAC-SHA-256 of a proxy key under the pepper: the only form in which a key is kept or looked up. */
export type DigestKey = (key: string) => string

/** What a gateway said of itself, and when by its own clock. */
export type GatewayStamp = { readonly gatewayId: string; readonly version: number; readonly seenAtMs: number }

/** The compiled catalog on its way from the control plane to every gateway. */
export interface CatalogFeed {
  /** Makes a catalog the current one. An older version than the published one is ignored. */
  publish(document: CatalogDocument): Promise<void>
  /** The published catalog if it is newer than `version`, else null. Throws if it is damaged. */
  newerThan(version: number): Promise<CatalogDocument | null>
  /** Says which version a gateway serves from now; null when it stops. Said again with every poll. */
  acknowledge(gatewayId: string, version: number | null): Promise<void>
  /** What gateways said last. Those that were not heard of for a minute may be left out. */
  gateways(): Promise<readonly GatewayStamp[]>
  /** Calls back when there may be news. A hint only: whoever relies on it polls as well. */
  onHint(hint: () => void): void
}

/** Where a gateway keeps the last catalog it served from, to start from it when nothing else answers. */
export interface CatalogShelf {
  /** The kept catalog; null when there is none or it is damaged. */
  load(): Promise<CatalogDocument | null>
  save(document: CatalogDocument): Promise<void>
}

/** Where the data plane finds keys. May be millions, so they are looked up, never loaded whole. */
export interface KeyDirectory {
  /** The record of a digest, or null. Synchronous when it is at hand, so that most calls never wait. */
  find(digest: string): KeyRecord | null | Promise<KeyRecord | null>
}

/** How the control plane keeps the directory true. Gateways drop what they cached of these within 2 s. */
export interface KeyPublisher {
  put(records: readonly KeyRecord[]): Promise<void>
  /** Forgets secrets that have ended. */
  remove(digests: readonly string[]): Promise<void>
}

/** Holds every reservation against limits, all claims of a call or none, until it is settled. */
export interface Ledger {
  /** @throws GatewayError `limiter_unavailable` when it cannot judge within its deadline. */
  reserve(ask: Ask): Promise<Verdict>
  /** Ends a reservation with the truth, once; again does nothing. Never throws, never waits. */
  settle(ask: Ask, used: Used): void
  /**
   * Says how many tokens a call under way has used by now; charged if nothing more is heard of it.
   * @param nanos the same in money, where budgets count it
   */
  progress(ask: Ask, tokens: number, nanos?: number): void
  /**
   * What pools hold now, for whoever looks; takes nothing.
   * @param teamIds whose calls under way are looked through for what is held
   * @throws GatewayError `limiter_unavailable`
   */
  look(pools: readonly Pool[], teamIds?: readonly string[]): Promise<readonly LivePool[]>
  /**
   * Adds to what budgets of a team have spent, for whoever has counted it, and says that it is known from now on.
   * A ledger that has lost its memory lets nothing pass a budget that blocks until it is told.
   * @throws GatewayError `limiter_unavailable`; then what was added may be there or not
   */
  restore(teamId: string, additions: readonly PoolUse[]): Promise<void>
}

/** Where usage records leave the data plane. What was sent to a provider is recorded, whatever dies when. */
export interface UsageStream {
  /** True while there is no room to record more: no call that has to be accounted for may be sent. */
  full(): boolean
  /** Opens the account of one attempt at an upstream, before anything of it leaves. Never throws, never waits. */
  intend(intent: UsageIntent): UsageAccount
  /** Takes the record of a call that made no attempt. Never throws, never waits. */
  append(record: UsageRecord): void
  /** Resolves when everything taken so far is on its way to the control plane, or the time is up. */
  flush(timeoutMs: number): Promise<void>
  backlog(): UsageBacklog
}

/** The account of one attempt at an upstream: opened by an intent, closed by its record. */
export interface UsageAccount {
  /** Notes that its bytes leave now; again does nothing. Cheap: `secure` writes it down with all the others. */
  sending(): void
  /** Writes down what was noted so far. @throws GatewayError `journal_full` when it cannot; then nothing may leave */
  secure(): void
  /** Notes what was used by now; charged if nothing more is heard. */
  progress(progress: UsageProgress): void
  /** Closes the account, once; again does nothing. */
  close(record: UsageRecord): void
}

/** How much of what was recorded is not yet with the control plane. */
export type UsageBacklog = {
  /** On disk, and the most there may be. */
  readonly bytes: number
  readonly bytesMax: number
  /** Records that have not left this process' machine; and those that left and are not committed yet. */
  readonly waiting: number
  readonly unconfirmed: number
  /** Records given up since the start: there was no room for them anywhere. */
  readonly lost: number
  /** Bytes found unreadable at the start. */
  readonly damagedBytes: number
}

export type UsageBatch = {
  readonly records: readonly UsageRecord[]
  /** Says that the records are committed and may be forgotten. */
  confirm(): Promise<void>
}

/** Where the control plane takes usage records from. A batch that is not confirmed comes again. */
export interface UsageSource {
  /** Waits up to `waitMs` for records; an empty batch when none came. */
  take(countMax: number, waitMs: number): Promise<UsageBatch>
}

/**
 * A place outside that is given a copy of all usage. Entries come at least once; they never change and have ids
 * that are theirs for ever, so whoever writes by id holds each once.
 */
export interface UsageSink {
  /** As it stands in lists, metrics and logs. One of a process has it, and its place is kept under it. */
  readonly name: string
  readonly kind: string
  /** Where it writes, without a secret. With another target it begins anew. */
  readonly target: string
  /** From which instant on records are given to it; null: those that are stored from its first start on. */
  readonly from: string | null
  /** Looks whether it could write, before there is anything to. @throws SinkFault that says what to do */
  check(signal: AbortSignal): Promise<void>
  /**
   * Writes all entries but those it gives back: they will never be taken, and the others go on without them.
   * @throws SinkFault when nothing can be said of some of them; then all come again
   */
  write(entries: readonly SinkEntry[], signal: AbortSignal): Promise<readonly RefusedEntry[]>
  close(): void
}

/** Where a gateway learns what became of a call that it no longer knows of itself. Never on the way of a call. */
export interface CallRecords {
  /**
   * The stored records of a call, one for each attempt, in their order; none when it is not the key's or not stored.
   * @throws GatewayError `records_unavailable` when nobody answers in time, or too many questions wait
   */
  find(question: CallQuestion): Promise<readonly UsageRecord[]>
}

/** A question of a gateway that waits for its answer; whoever takes too long to answer is no longer waited for. */
export type AskedCall = {
  readonly question: CallQuestion
  answer(records: readonly UsageRecord[]): Promise<void>
}

/** Where the control plane takes such questions from. Each goes to one taker. */
export interface CallQuestions {
  /** Waits up to `waitMs` for questions; empty when none came. */
  take(countMax: number, waitMs: number): Promise<readonly AskedCall[]>
}

/** What a process says of itself. Fields never hold a secret; texts from outside pass `redact` first. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void

/** Turns a reference into the secret it names. */
export interface SecretResolver {
  /** Synchronous when it is at hand. @throws GatewayError `upstream_auth` when the secret cannot be had. */
  resolve(ref: SecretRef): Secret | Promise<Secret>
  /** Takes the sealed secrets of the catalog in the place of those before. */
  take(secrets: readonly SealedSecret[]): void
}

/** Seals secrets under a key that no database holds, bound to their names. */
export interface SecretSealer {
  /** The key that seals now. */
  readonly keyId: string
  seal(name: string, value: string): string
  /** @throws Error that says why it does not open, never what is in it */
  open(name: string, sealed: string): string
}
