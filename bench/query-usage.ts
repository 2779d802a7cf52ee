/**
 * The questions that dashboards ask over thirty days, asked again and again: how long do answers take? They go
 * through what the admin API goes through, without its HTTP.
 */
import { UsageQuery } from '@headgate/admin-contract/usage-query'
import { openDatabase } from '@headgate/control-plane/database/open'
import { answerUsage } from '@headgate/control-plane/resources/usage/answer'
import type { z } from 'zod'
import { percentile } from './percentiles.ts'

const DAY_MS = 24 * 60 * 60 * 1000

type Question = z.input<typeof UsageQuery>

/** Of the last thirty days unless they say otherwise. */
const questions: Readonly<Record<string, (nowMs: number) => Question>> = {
  'cost by team, by day': () => ({ by: 'team', metric: 'cost', bucket: 'day' }),
  'cost by team, by day in Berlin': () => ({ by: 'team', metric: 'cost', ...berlin }),
  'cost of the ten dearest apps, by day in Berlin': () => ({
    by: 'app',
    metric: 'cost',
    limit: 10,
    ...berlin,
  }),
  'tokens by alias, by day in Berlin': () => ({ by: 'alias', metric: 'tokens', ...berlin }),
  'calls by team and alias': () => ({ by: 'team,alias', limit: 1000 }),
  'cost of one team by app, by day in Berlin': () => ({
    by: 'app',
    teamId: someTeam,
    metric: 'cost',
    ...berlin,
  }),
  'calls of one app by alias, beside the days before': () => ({
    ...{ by: 'alias', appId: someApp, compare: 'previous_period', ...berlin },
  }),
  'errors by code, by day in Berlin': () => ({ by: 'error_code', ...berlin }),
  'percentiles by deployment, by day': () => ({ by: 'deployment', latency: 'true', bucket: 'day' }),
  'percentiles by app': () => ({ by: 'app', latency: 'true' }),
  'cost of the twenty dearest keys': () => ({ by: 'key', metric: 'cost', limit: 20 }),
  'cost of the twenty dearest users, by week in Berlin': () => ({
    ...{ by: 'user', metric: 'cost', limit: 20, bucket: 'week', zone: 'Europe/Berlin' },
  }),
  'calls by hour and outcome': () => ({ by: 'outcome', bucket: 'hour', limit: 10 }),
  'calls by app and alias, by day in Berlin': () => ({ by: 'app,alias', limit: 100, ...berlin }),
  'outcomes of one app, by day in Berlin': () => ({ by: 'outcome', appId: someApp, ...berlin }),
  'percentiles of all calls, by hour': () => ({ latency: 'true', bucket: 'hour' }),
  'percentiles of the ten busiest apps, by day in Berlin': () => ({
    ...{ by: 'app', latency: 'true', limit: 10, ...berlin },
  }),
  'cost by team in euros, by day in Berlin, beside the days before': () => ({
    ...{ by: 'team', metric: 'cost', in: 'EUR', compare: 'previous_period', ...berlin },
  }),
  'the last three hours by minute': (nowMs) => ({
    ...{ by: 'outcome', bucket: 'minute', from: new Date(nowMs - DAY_MS / 8).toISOString() },
  }),
}

const berlin = { bucket: 'day', zone: 'Europe/Berlin' } as const
const someTeam = `team_${'7'.padStart(26, '0')}`
const someApp = `app_${'1F'.padStart(26, '0')}`

export type Timing = {
  readonly question: string
  readonly p50Ms: number
  readonly p95Ms: number
  readonly sums: number
}

/** Asks each question so many times, all in turn. */
export async function timeQuestions(url: string, rounds: number, nowMs: number): Promise<Timing[]> {
  const { db, close } = openDatabase({
    ...{ url, name: 'headgate-bench', statementTimeoutMs: 60_000, connectionsMax: 2, log: () => {} },
  })
  const context = { db, nowMs, now: new Date(nowMs).toISOString(), teamIds: null, fixedSettings: {} }
  const times = new Map<string, number[]>()
  const sums = new Map<string, number>()
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [question, ask] of Object.entries(questions)) {
        const from = new Date(nowMs - 30 * DAY_MS).toISOString()
        const query = UsageQuery.parse({ from, to: new Date(nowMs).toISOString(), ...ask(nowMs) })
        const startMs = performance.now()
        const answer = await answerUsage(query, context)
        times.set(question, [...(times.get(question) ?? []), performance.now() - startMs])
        sums.set(question, answer.data.length)
      }
    }
  } finally {
    await close()
  }
  return [...times].map(([question, its]) => {
    const inOrder = its.sort((a, b) => a - b)
    const [p50Ms, p95Ms] = [0.5, 0.95].map((share) => Math.round(percentile(inOrder, share))) as [
      number,
      number,
    ]
    return { question, p50Ms, p95Ms, sums: sums.get(question) ?? 0 }
  })
}
