/** Questions about calls and their answers in this process alone, for standalone use without Redis and for tests. */
import type { AskedCall, CallQuestions, CallRecords } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { ASK_DEADLINE_MS, QUESTIONS_MAX, recordsUnavailable } from '../call-question.ts'

type Waiting = AskedCall & { readonly isOver: () => boolean }

/** Both ends. */
export function memoryCallDesk({ deadlineMs = ASK_DEADLINE_MS } = {}): CallRecords & CallQuestions {
  const asked: Waiting[] = []
  const takers: (() => void)[] = []
  let open = 0

  return {
    find: (question) => {
      if (open >= QUESTIONS_MAX) return Promise.reject(recordsUnavailable('too many questions wait'))
      open += 1
      let isOver = false
      return new Promise<readonly UsageRecord[]>((resolve, reject) => {
        const timer = setTimeout(() => reject(recordsUnavailable('no answer in time')), deadlineMs)
        const answer = async (records: readonly UsageRecord[]) => {
          clearTimeout(timer)
          resolve(records)
        }
        asked.push({ question, answer, isOver: () => isOver })
        for (const wake of takers.splice(0)) wake()
      }).finally(() => {
        open -= 1
        isOver = true
      })
    },
    take: async (countMax, waitMs) => {
      if (asked.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs)
          takers.push(() => resolve(clearTimeout(timer)))
        })
      }
      return asked.splice(0, countMax).filter((it) => !it.isOver())
    },
  }
}
