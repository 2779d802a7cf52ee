/** The control plane's end of questions about calls, through Redis: each question is taken by one, and answered once. */
import { CallQuestion } from '@headgate/domain/own-use'
import type { AskedCall, CallQuestions } from '@headgate/domain/ports'
import { z } from 'zod'
import { answersKey, questionsKey } from './call-records.ts'
import type { RedisClient } from './client.ts'

const POLL_MS = 50
const ANSWERS_KEPT_MS = '10000'

const Entry = CallQuestion.extend({ gateway: z.string().regex(/^[0-9a-f]{18}$/), number: z.int().min(1) })

/** Questions on a Redis client. Any number of processes may take them. */
export function redisCallQuestions(client: RedisClient, { prefix = 'hg:' } = {}): CallQuestions {
  const key = questionsKey(prefix)

  function asked(text: unknown): AskedCall[] {
    const entry = entryOf(String(text))
    if (entry === null) return []
    const { gateway, number, requestId, keyId } = entry
    const answers = answersKey(prefix, gateway)
    return [
      {
        question: { requestId, keyId },
        answer: async (records) => {
          await Promise.all([
            client.send(answers, ['RPUSH', answers, `${number}:${JSON.stringify(records)}`]),
            client.send(answers, ['PEXPIRE', answers, ANSWERS_KEPT_MS]),
          ])
        },
      },
    ]
  }

  return {
    take: async (countMax, waitMs) => {
      for (const untilMs = performance.now() + waitMs; ; ) {
        const reply = await client.send(key, ['LPOP', key, String(countMax)])
        if (Array.isArray(reply) && reply.length > 0) return reply.flatMap(asked)
        const leftMs = untilMs - performance.now()
        if (leftMs <= 0) return []
        await new Promise((done) => setTimeout(done, Math.min(POLL_MS, leftMs)))
      }
    },
  }
}

/** Null for what is no question of ours: nobody waits for it in a form that we know. */
function entryOf(text: string): z.infer<typeof Entry> | null {
  try {
    return Entry.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
