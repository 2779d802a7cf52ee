/**
 * What the environment may tell a test run, read in this one place. The names do not begin with HEADGATE_, so
 * the processes under test, which refuse names they do not know, are not confused by them.
 */

/** A Postgres to test on (superuser; only databases of our own making are touched), else null: our own. */
export function givenPostgresUrl(): string | null {
  return process.env['TEST_DATABASE_URL'] || null
}

/**
 * A Redis to test on, else null: our own. Its numbered databases from 1 on are EMPTIED, which is why REDIS_URL,
 * which may name a real one, is not heeded.
 */
export function givenRedisUrl(): string | null {
  return process.env['TEST_REDIS_URL'] || null
}

/** How many times the usual rounds tests with random input run: 1, or what TEST_ROUNDS says. */
export function roundsFactor(): number {
  const factor = Number(process.env['TEST_ROUNDS'] ?? 1)
  if (!Number.isInteger(factor) || factor < 1)
    throw new Error('TEST_ROUNDS must be a whole number from 1 on: how many times the usual rounds to run')
  return factor
}

/** The seed of one simulation to run alone, as a failure names it; else null: many of them. */
export function givenSeed(): number | null {
  const given = process.env['TEST_SEED']
  if (!given) return null
  const seed = Number(given)
  if (!Number.isInteger(seed))
    throw new Error('TEST_SEED must be a whole number: the seed that a failure named')
  return seed
}

/** What a process under test needs of ours to run at all; the rest of its environment is the test's to choose. */
export function bareEnvironment(): { PATH: string; HOME: string } {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' }
}

export type GivenGateway = {
  readonly origin: string
  readonly key: string
  readonly chatModel: string
  readonly embeddingModel: string
}

/**
 * A running gateway to aim the conformance suite at, else null: one in the test's own process. What a suite
 * cannot see from outside (the provider's side, the usage records) it then leaves out.
 */
export function givenGateway(): GivenGateway | null {
  const origin = process.env['TEST_GATEWAY_URL']
  const key = process.env['TEST_GATEWAY_KEY']
  if (!origin) return null
  if (!key) throw new Error('TEST_GATEWAY_URL needs a proxy key of that gateway in TEST_GATEWAY_KEY')
  return {
    ...{ origin: origin.replace(/\/+$/, ''), key },
    chatModel: process.env['TEST_GATEWAY_CHAT_MODEL'] ?? 'demo-chat',
    embeddingModel: process.env['TEST_GATEWAY_EMBEDDING_MODEL'] ?? 'demo-embed',
  }
}
