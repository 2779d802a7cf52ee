/** What the admin API does with usage: shows records, answers questions about them, tells whether sums hold. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { usage } from '@headgate/admin-contract/usage'
import type { HandlerContext } from '../context.ts'
import { answerUsage } from './answer.ts'
import { answerFile } from './answer-file.ts'
import { listUsage } from './list-usage.ts'
import { listChecks } from './queries.ts'
import { recordFile } from './record-file.ts'

export const usageHandlers: Handlers<typeof usage, HandlerContext> = {
  list: ({ query }, context) => listUsage(query, context),
  query: ({ query }, context) => answerUsage(query, context),
  exportRecords: async ({ query }, context) => recordFile(query, context),
  exportQuery: ({ query }, context) => answerFile(query, context),
  checks: ({ query }, { db }) => listChecks(db, query),
}
