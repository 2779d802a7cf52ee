/**
 * A secret ref says where a secret is; it is never the secret. Refs may be stored, logged and shown.
 * `Secret` holds a resolved value in memory and prints as a mask in every form Node knows.
 */
import { z } from 'zod'

const MASK = '[secret]'

/** `env://NAME`, `kv://vault/name[/version]`, `db://name`, `file://name`. Strict, so that no literal passes for a ref. */
const FORMS: Record<string, RegExp> = {
  env: /^env:\/\/[A-Z][A-Z0-9_]{0,127}$/,
  kv: /^kv:\/\/[a-z0-9-]{3,24}\/[A-Za-z0-9-]{1,127}(\/[0-9a-f]{32})?$/,
  db: /^db:\/\/[A-Za-z0-9_-]{1,64}$/,
  file: /^file:\/\/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/,
}

export const SecretRef = z
  .string()
  .max(200)
  .refine((text) => isSecretRef(text), {
    error:
      'expected a reference such as env://OPENAI_API_KEY, kv://vault/name, db://name or file://name, never the secret',
  })
  .brand<'SecretRef'>()
export type SecretRef = z.infer<typeof SecretRef>

/** Which Azure Key Vaults a process may ask, as its settings name them. */
export const KeyVaultNames = z
  .string()
  .regex(/^[a-z0-9-]{3,24}(,[a-z0-9-]{3,24})*$/, 'must be names of vaults with commas between them')

/** True when the text has the form of a reference of a known scheme. */
export function isSecretRef(text: string): boolean {
  const scheme = text.slice(0, text.indexOf('://'))
  return Object.hasOwn(FORMS, scheme) && FORMS[scheme]?.test(text) === true
}

/** The scheme (`env`) and what follows it (`OPENAI_API_KEY`). */
export function splitSecretRef(ref: SecretRef): { scheme: string; rest: string } {
  const at = ref.indexOf('://')
  return { scheme: ref.slice(0, at), rest: ref.slice(at + 3) }
}

/** A resolved secret. Only `reveal()` gives the value; string, JSON and inspect forms give a mask. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }
}
