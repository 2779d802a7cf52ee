/**
 * Answers gateways that ask, for a caller, what became of a call. Each question names the key that asks, and nothing
 * is told but records of that key. Many questions are one statement, which reads by the primary key alone.
 */
import { bornAt } from '@headgate/domain/id'
import type { CallQuestion } from '@headgate/domain/own-use'
import type { CallQuestions } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from '../database/array-literal.ts'
import { asRatedNow } from '../database/cost-corrections.ts'
import type { Database } from '../database/open.ts'
import type { UsageRow } from '../database/tables.ts'
import { recordOf } from '../database/usage-row.ts'
import type { Job } from './scheduler.ts'

const QUESTIONS = 200
const WAIT_MS = 500

/** The job. Any number of processes may run it at once. */
export function answerCallers({ db, questions }: { db: Database; questions: CallQuestions }): Job {
  return {
    name: 'answer-callers',
    everyMs: 10,
    run: async (signal) => {
      while (!signal.aborted) {
        const asked = await questions.take(QUESTIONS, WAIT_MS)
        if (asked.length === 0) continue
        const found = await recordsFor(
          db,
          asked.map((it) => it.question),
        )
        await Promise.all(asked.map(({ question, answer }) => answer(found.get(nameOf(question)) ?? [])))
      }
    },
  }
}

/** The records of each question by its name, attempts in their order. */
async function recordsFor(db: Database, asked: readonly CallQuestion[]): Promise<Map<string, UsageRecord[]>> {
  const requestIds = arrayLiteral(asked.map((it) => it.requestId))
  const keyIds = arrayLiteral(asked.map((it) => it.keyId))
  // An id says when its call arrived, and that is where its records lie; one that is made up has none.
  const startedAt = arrayLiteral(asked.map((it) => bornAt(it.requestId)))
  const { rows } = await sql<UsageRow>`
    select usage_records.*
    from (select distinct * from unnest(${requestIds}::text[], ${keyIds}::text[], ${startedAt}::timestamptz[]))
      as asked (request_id, key_id, started_at)
    join usage_records using (started_at, request_id, key_id)
    order by request_id, attempt`.execute(db)
  const records = await asRatedNow(db, rows.map(recordOf))
  return Map.groupBy(records, (it) => nameOf({ requestId: it.requestId, keyId: it.keyId ?? '' }))
}

function nameOf({ requestId, keyId }: CallQuestion): string {
  return `${requestId} ${keyId}`
}
