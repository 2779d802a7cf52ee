/**
 * Turns secret references into secrets: one source per scheme, and a memory of what they said. A source
 * that fails does not fail calls at once: the last value goes on for a while, since providers rarely
 * change a credential and stores of secrets are often briefly away.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Clock, Log, SecretResolver } from '@headgate/domain/ports'
import { Secret, type SecretRef, splitSecretRef } from '@headgate/domain/secret-ref'

/** One place secrets come from. */
export type SecretSource = {
  /**
   * The secret that the rest of a reference names.
   * @throws Error that names the reference's fault and never the secret
   */
  read(rest: string): string | Promise<string>
}

export type SecretResolverOptions = {
  /** By scheme: `env`, `kv`, `db`. */
  readonly sources: Readonly<Record<string, SecretSource>>
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly log?: Log
}

const TTL_MS = 5 * 60_000
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
  const { sources, clock, log } = options
  const entries = new Map<SecretRef, Entry>()

  function resolve(ref: SecretRef): Secret | Promise<Secret> {
    let entry = entries.get(ref)
    if (entry === undefined) {
      entry = { secret: null, atMs: 0, freshUntilMs: Number.NEGATIVE_INFINITY, fault: null, running: null }
      entries.set(ref, entry)
    }
    if (clock.monotonicMs() < entry.freshUntilMs) return atHand(entry)
    return entry.running ?? refresh(ref, entry)
  }

  function atHand(entry: Entry): Secret {
    if (entry.secret !== null) return entry.secret
    throw entry.fault ?? new GatewayError('upstream_auth')
  }

  function refresh(ref: SecretRef, entry: Entry): Secret | Promise<Secret> {
    let value: string | Promise<string>
    try {
      value = read(ref)
    } catch (fault) {
      return failed(ref, entry, fault)
    }
    if (typeof value === 'string') return succeeded(ref, entry, value)
    entry.running = withDeadline(value)
      .then((text) => succeeded(ref, entry, text))
      .catch((fault) => failed(ref, entry, fault))
      .finally(() => {
        entry.running = null
      })
    return entry.running
  }

  function read(ref: SecretRef): string | Promise<string> {
    const { scheme, rest } = splitSecretRef(ref)
    const source = sources[scheme]
    if (source === undefined) throw new Error(`the scheme ${scheme}:// is not set up here`)
    return source.read(rest)
  }

  function succeeded(ref: SecretRef, entry: Entry, text: string): Secret {
    const value = text.trim()
    if (value === '') return failed(ref, entry, new Error('it is empty'))
    if (entry.fault !== null) log?.('info', `The secret ${ref} can be had again`)
    const nowMs = clock.monotonicMs()
    const secret = entry.secret?.reveal() === value ? entry.secret : new Secret(value)
    Object.assign(entry, { secret, atMs: nowMs, freshUntilMs: nowMs + TTL_MS, fault: null })
    return secret
  }

  /** Gives the last value while it may still be served, else throws. */
  function failed(ref: SecretRef, entry: Entry, thrown: unknown): Secret {
    const nowMs = clock.monotonicMs()
    const reason = thrown instanceof Error ? thrown.message : 'its source failed'
    const fault = new GatewayError('upstream_auth', {
      internal: `the secret ${ref} cannot be had: ${reason}`,
    })
    if (entry.fault === null) log?.('error', fault.message)
    entry.fault = fault
    entry.freshUntilMs = nowMs + NEGATIVE_TTL_MS
    if (nowMs - entry.atMs >= STALE_MAX_MS) entry.secret = null
    return atHand(entry)
  }

  return { resolve }
}

function withDeadline<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
