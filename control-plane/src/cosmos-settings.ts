/** The settings of the sink that is Cosmos DB: what of the environment they are, and what is wrong with them. */
import { isSecretRef, type SecretRef } from '@headgate/domain/secret-ref'
import { z } from 'zod'

/** As Azure names databases and containers. */
const Name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/, 'must be a name of letters, digits and . _ -')

const Endpoint = z
  .string()
  .refine((text) => /^https:\/\/[a-z0-9.-]+(:[0-9]{1,5})?\/?$/.test(text) && URL.canParse(text), {
    error: 'must be the endpoint of an account, as https://my-account.documents.azure.com',
  })
  .transform((text) => new URL(text).origin)

/** The key itself is refused: it would stand in every list of the environment. */
const KeyRef = z
  .string()
  .refine((text) => isSecretRef(text) && !text.startsWith('db://'), {
    error: 'must say where the key is, as env://NAME, file://name or kv://vault/name',
  })
  .transform((text) => text as SecretRef)

const From = z
  .string()
  .refine((text) => text === 'now' || /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$/.test(text), {
    error: 'must be now, a day as 2026-11-01, or an instant as 2026-11-01T12:00:00Z',
    abort: true,
  })
  .refine((text) => text === 'now' || Date.parse(text) <= Date.now(), {
    error: 'must be a day or an instant that there is and that has passed',
  })
  .transform((text) => (text === 'now' ? null : new Date(text).toISOString()))

/** For the schema of the environment. */
export const cosmosShape = {
  HEADGATE_COSMOS_ENDPOINT: Endpoint.optional(),
  HEADGATE_COSMOS_DATABASE: Name.default('headgate'),
  HEADGATE_COSMOS_CONTAINER: Name.default('usage'),
  HEADGATE_COSMOS_KEY: KeyRef.optional(),
  HEADGATE_COSMOS_TTL_DAYS: z.coerce.number('must be a number of days').int().min(1).max(24_855).optional(),
  HEADGATE_COSMOS_FROM: From.prefault('now'),
}

export type CosmosSettings = {
  readonly endpoint: string
  readonly database: string
  readonly container: string
  /** Null: the identity of the process. */
  readonly keyRef: SecretRef | null
  readonly ttlDays: number | null
  /** Null: from the first start on. */
  readonly from: string | null
}

const parsedShape = z.object(cosmosShape)

/** Null where no endpoint is set: there is no such sink then. */
export function cosmosIn(it: z.infer<typeof parsedShape>): CosmosSettings | null {
  if (it.HEADGATE_COSMOS_ENDPOINT === undefined) return null
  return Object.freeze({
    endpoint: it.HEADGATE_COSMOS_ENDPOINT,
    database: it.HEADGATE_COSMOS_DATABASE,
    container: it.HEADGATE_COSMOS_CONTAINER,
    keyRef: it.HEADGATE_COSMOS_KEY ?? null,
    ttlDays: it.HEADGATE_COSMOS_TTL_DAYS ?? null,
    from: it.HEADGATE_COSMOS_FROM,
  })
}

/** What no single setting shows: settings of a sink that is not there, and a key that is nowhere. */
export function cosmosFaults(given: Readonly<Record<string, string | undefined>>): string[] {
  const set = Object.keys(cosmosShape).filter((name) => given[name] !== undefined)
  const faults: string[] = []
  if (set.length > 0 && given['HEADGATE_COSMOS_ENDPOINT'] === undefined)
    faults.push(
      `  HEADGATE_COSMOS_ENDPOINT is required with ${set.join(', ')}: without it there is no such sink`,
    )
  const ref = given['HEADGATE_COSMOS_KEY']
  const name = ref?.startsWith('env://') ? ref.slice('env://'.length) : null
  if (name !== null && /^[A-Z][A-Z0-9_]*$/.test(name) && given[name] === undefined)
    faults.push(`  ${name} is required: HEADGATE_COSMOS_KEY says that it holds the key of the account`)
  return faults
}
