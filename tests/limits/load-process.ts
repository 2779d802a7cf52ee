/**
 * A gateway process that asks its ledger for calls at a steady pace and tells, in the end, each call's verdict and
 * the Redis server time it was given at, read from the replies on their way.
 */
import { writeSync } from 'node:fs'
import { connectRedis, type RedisClient } from '../../adapters/src/redis/client.ts'
import { redisLedger } from '../../adapters/src/redis/ledger.ts'
import type { Claim } from '../../domain/src/reservation.ts'

export type LoadPlan = {
  readonly url: string
  readonly claims: readonly Claim[]
  /** Calls a second for each claim. */
  readonly pace: number
  /** When to begin and to end, in ms since 1970. */
  readonly fromMs: number
  readonly untilMs: number
}

/** Per claim: server times (microseconds) of the admitted calls, and how many were refused or not judged. */
export type LoadReport = {
  readonly admittedAt: number[][]
  readonly refused: number
  readonly unjudged: number
}

/** Notes the server time of the reply that judged each call. */
function watched(client: RedisClient, judgedAt: Map<string, number>): RedisClient {
  return {
    ...client,
    send: async (key, args) => {
      const reply = await client.send(key, args)
      if (Array.isArray(reply))
        for (const arg of args)
          for (const [id] of arg.matchAll(/req_\S+/g)) judgedAt.set(id, Number(reply[0]))
      return reply
    },
  }
}

async function load(plan: LoadPlan): Promise<LoadReport> {
  const judgedAt = new Map<string, number>()
  const client = await connectRedis(plan.url, { log: () => {}, connectWaitMs: 10_000 })
  const ledger = redisLedger(watched(client, judgedAt), { log: () => {}, deadlineMs: 10_000 })
  const admittedAt: number[][] = plan.claims.map(() => [])
  const calls: Promise<unknown>[] = []
  let [refused, unjudged, asked] = [0, 0, 0]
  await new Promise((done) => setTimeout(done, plan.fromMs - Date.now()))
  while (Date.now() < plan.untilMs) {
    const due = ((Date.now() - plan.fromMs) / 1000) * plan.pace
    for (; asked < due; asked++)
      for (const [index, claim] of plan.claims.entries()) {
        const ask = { id: `req_${crypto.randomUUID()}`, claims: [claim], tokens: 1, tokensAtLeast: 1 }
        const judged = ledger.reserve(ask).then(
          (verdict) => {
            if (verdict.admitted) admittedAt[index]?.push(judgedAt.get(ask.id) as number)
            else refused += 1
          },
          () => {
            unjudged += 1
          },
        )
        calls.push(judged)
      }
    await new Promise((done) => setTimeout(done, 5))
  }
  await Promise.all(calls)
  ledger.close()
  await client.close()
  return { admittedAt, refused, unjudged }
}

writeSync(1, JSON.stringify(await load(JSON.parse(process.argv[2] ?? ''))))
