/**
 * Turns secret references into secrets: one source per scheme, and a memory of what they said. A source
 * that fails does not fail calls at once: the last value goes on for a while, since providers rarely
 * change a credential and stores of secrets are often briefly away.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Clock, Log, SecretResolver } from '@headgate/domain/ports'
import { Secret, type SecretRef, splitSecretRef } from '@headgate/domain/secret-ref'
import type { SealedSecret } from '@headgate/domain/stored-secret'

/** One place secrets come from. */
export type SecretSource = {
  /**
   * The secret that the rest of a reference names.
   * @throws Error that names the reference's fault and never the secret
   */
  read(rest: string): string | Promise<string>
}

/** One that is told what it knows. */
export type SealedSource = SecretSource & {
  /** Takes the place of all it had. @returns the names whose value may be another now */
  take(secrets: readonly SealedSecret[]): string[]
}

export type SecretResolverOptions = {
  /** By scheme: `env`, `kv`, `file`, and `db` for what comes with the catalog. */
  readonly sources: Readonly<Record<string, SecretSource>> & { readonly db?: SealedSource }
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly log?: Log
}

const TTL_MS = 5 * 60_000
/** From then on it is asked for again while calls go on with what there is. */
const AHEAD_MS = 4 * 60_000
const STALE_MAX_MS = 15 * 60_000
const NEGATIVE_TTL_MS = 5_000
const DEADLINE_MS = 5_000

type Entry = {
  secret: Secret | null
  /** When the source gave the secret. */
  atMs: number
  /** Until then the source is not asked. */
  freshUntilMs: number
  fault: GatewayError | null
  running: Promise<Secret> | null
}

/** A resolver over the sources; an answer at hand comes synchronously. */
export function secretResolver(options: SecretResolverOptions): SecretResolver {
  return new RememberedSecrets(options)
}

class RememberedSecrets implements SecretResolver {
  readonly #options: SecretResolverOptions
  readonly #entries = new Map<SecretRef, Entry>()

  constructor(options: SecretResolverOptions) {
    this.#options = options
  }

  resolve(ref: SecretRef): Secret | Promise<Secret> {
    let entry = this.#entries.get(ref)
    if (entry === undefined) {
      entry = { secret: null, atMs: 0, freshUntilMs: Number.NEGATIVE_INFINITY, fault: null, running: null }
      this.#entries.set(ref, entry)
    }
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs < entry.freshUntilMs) {
      if (entry.fault === null && entry.running === null && nowMs - entry.atMs >= AHEAD_MS)
        this.#refreshAhead(ref, entry)
      return this.#atHand(entry)
    }
    if (entry.fault !== null && entry.secret !== null && nowMs - entry.atMs < STALE_MAX_MS) {
      // A source that is away must not hold up calls for as long as its deadline.
      if (entry.running === null) this.#refreshAhead(ref, entry)
      return this.#atHand(entry)
    }
    return entry.running ?? this.#refresh(ref, entry)
  }

  #atHand(entry: Entry): Secret {
    if (entry.secret !== null) return entry.secret
    throw entry.fault ?? new GatewayError('upstream_auth')
  }

  /** Nobody waits for it: a failure shows when what is at hand is no longer fresh. */
  #refreshAhead(ref: SecretRef, entry: Entry): void {
    const answer = this.#refresh(ref, entry)
    if (answer instanceof Promise) answer.catch(() => {})
  }

  take(secrets: readonly SealedSecret[]): void {
    for (const name of this.#options.sources.db?.take(secrets) ?? [])
      this.#entries.delete(`db://${name}` as SecretRef)
  }

  #refresh(ref: SecretRef, entry: Entry): Secret | Promise<Secret> {
    let value: string | Promise<string>
    try {
      value = this.#read(ref)
    } catch (fault) {
      return this.#failed(ref, entry, fault)
    }
    if (typeof value === 'string') return this.#succeeded(ref, entry, value)
    entry.running = withDeadline(value)
      .then((text) => this.#succeeded(ref, entry, text))
      .catch((fault) => this.#failed(ref, entry, fault))
      .finally(() => {
        entry.running = null
      })
    return entry.running
  }

  #read(ref: SecretRef): string | Promise<string> {
    const { scheme, rest } = splitSecretRef(ref)
    const source = this.#options.sources[scheme]
    if (source === undefined) throw new Error(`the scheme ${scheme}:// is not set up here`)
    return source.read(rest)
  }

  #succeeded(ref: SecretRef, entry: Entry, text: string): Secret {
    const value = text.trim()
    if (value === '') return this.#failed(ref, entry, new Error('it is empty'))
    if (entry.fault !== null) this.#options.log?.('info', `The secret ${ref} can be had again`)
    const nowMs = this.#options.clock.monotonicMs()
    const secret = entry.secret?.reveal() === value ? entry.secret : new Secret(value)
    Object.assign(entry, { secret, atMs: nowMs, freshUntilMs: nowMs + TTL_MS, fault: null })
    return secret
  }

  /** Gives the last value while it may still be served, else throws. */
  #failed(ref: SecretRef, entry: Entry, thrown: unknown): Secret {
    const nowMs = this.#options.clock.monotonicMs()
    const reason = thrown instanceof Error ? thrown.message : 'its source failed'
    const fault = new GatewayError('upstream_auth', {
      internal: `the secret ${ref} cannot be had: ${reason}`,
    })
    if (entry.fault === null) this.#options.log?.('error', fault.message)
    entry.fault = fault
    entry.freshUntilMs = nowMs + NEGATIVE_TTL_MS
    if (nowMs - entry.atMs >= STALE_MAX_MS) entry.secret = null
    return this.#atHand(entry)
  }
}

function withDeadline<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
