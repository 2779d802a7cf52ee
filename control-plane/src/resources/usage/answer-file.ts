/** The answer to a question about usage as a file: one row for each stretch and group, with names beside ids. */
import type { Download, TableFormat } from '@headgate/admin-contract/download'
import type { UsageAnswer, UsageGroup, UsageQuery, UsageSums } from '@headgate/admin-contract/usage-query'
import { renameKeys } from '@headgate/admin-contract/wire'
import { type AnswerContext, answerUsage } from './answer.ts'
import type { CellType, Column } from './file-column.ts'
import { downloadOf } from './table-file.ts'

type Figure = readonly [
  name: string,
  means: string,
  of: (sums: UsageSums) => number | string | null,
  /** An integer unless said otherwise. */
  type?: CellType,
]

const figures: readonly Figure[] = [
  ['calls', 'how many calls', (it) => it.calls],
  ['refused', 'of them refused by the gateway', (it) => it.refused],
  ['failed', 'of them failed', (it) => it.failed],
  ['aborted', 'of them left by the caller', (it) => it.aborted],
  ['truncated', 'of them cut off by the provider', (it) => it.truncated],
  ['input_tokens', 'tokens of prompts', (it) => it.tokens.input],
  ['cached_input_tokens', 'the part of input_tokens read from a cache', (it) => it.tokens.cachedInput],
  ['output_tokens', 'tokens of answers', (it) => it.tokens.output],
  ['reasoning_tokens', 'the part of output_tokens spent on reasoning', (it) => it.tokens.reasoning],
  ['calls_without_price', 'calls whose cost is unknown and in no sum', (it) => it.callsWithoutPrice],
  ['calls_estimated', 'calls whose tokens no provider told', (it) => it.callsEstimated],
  ['request_bytes', 'size of requests', (it) => it.requestBytes],
  ['reply_bytes', 'size of answers', (it) => it.replyBytes],
]

/** The answer as a file. @throws AdminProblem as `answerUsage` does */
export async function answerFile(
  { format, ...query }: UsageQuery & { format: TableFormat },
  context: AnswerContext,
  onRows?: (count: number) => void,
): Promise<Download> {
  const answer = await answerUsage(query, context)
  const { data, ...about } = answer
  return downloadOf(
    {
      name: `usage-${answer.from.slice(0, 10)}-${answer.to.slice(0, 10)}`,
      columns: columnsOf(answer, query),
      pages: onePage(data),
      about: { ...(renameKeys({ ...about, question: query }) as object), rows: data.length },
    },
    format,
    onRows,
  )
}

async function* onePage<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
  yield rows
}

function columnsOf({ data, in: currency }: UsageAnswer, query: UsageQuery): Column<UsageGroup>[] {
  const groups = query.by.flatMap((dimension, i): Column<UsageGroup>[] => [
    { name: dimension, type: 'text', means: `the ${dimension}`, of: (it) => it.group[i]?.value ?? null },
    {
      name: `${dimension}_name`,
      type: 'text',
      means: `what it is called now`,
      of: (it) => it.group[i]?.name ?? null,
    },
  ])
  const currencies = [...new Set(data.flatMap((it) => [it.sums, it.previous]).flatMap(currenciesOf))].sort()
  const costs = currencies.map(
    (currency): Figure => [
      `cost_${currency.toLowerCase()}`,
      `cost in ${currency}, exact decimal`,
      (it) => it.costs.find((cost) => cost.currency === currency)?.amount ?? null,
      'money',
    ],
  )
  const all = [...figures, ...costs, ...costsIn(data, currency), ...(query.latency ? latencies : [])]
  return [
    { name: 'at', type: 'instant', means: 'when the stretch of time begins', of: (it) => it.at },
    ...groups,
    {
      name: 'is_other',
      type: 'boolean',
      means: 'true for all groups beyond the limit together',
      of: (it) => it.isOther,
    },
    ...all.map(
      ([name, means, of, type = 'integer']): Column<UsageGroup> => ({
        name,
        type,
        means,
        of: (it) => of(it.sums),
      }),
    ),
    ...(query.compare === 'none' ? [] : all).map(
      ([name, means, of, type = 'integer']): Column<UsageGroup> => ({
        ...{ name: `previous_${name}`, type, means: `${means}, in the earlier span` },
        of: (it) => (it.previous === null ? null : of(it.previous)),
      }),
    ),
  ]
}

/** Costs seen in one currency, and what could not be. */
function costsIn(data: readonly UsageGroup[], currency: string | null): Figure[] {
  if (currency === null) return []
  const views = data.flatMap((it) => [it.sums.costIn, it.previous?.costIn ?? null])
  const left = new Set(views.flatMap((it) => it?.notConverted.map((one) => one.currency) ?? []))
  return [
    [
      `cost_in_${currency.toLowerCase()}`,
      `all costs in ${currency}, by the exchange rate of each day; without what is not converted`,
      (it) => it.costIn?.amount ?? null,
      'money',
    ],
    ...[...left]
      .sort()
      .map(
        (currency): Figure => [
          `not_converted_${currency.toLowerCase()}`,
          `cost in ${currency} for whose day there was no exchange rate`,
          (it) => it.costIn?.notConverted.find((one) => one.currency === currency)?.amount ?? null,
          'money',
        ],
      ),
  ]
}

function currenciesOf(sums: UsageSums | null): string[] {
  return sums === null ? [] : sums.costs.map((cost) => cost.currency)
}

const latencies: readonly Figure[] = (['overheadMs', 'firstByteMs', 'totalMs'] as const).flatMap((measure) =>
  (['p50', 'p90', 'p95', 'p99'] as const).map((share): Figure => {
    const name = { overheadMs: 'overhead', firstByteMs: 'first_byte', totalMs: 'total' }[measure]
    return [
      `${name}_${share}_ms`,
      `percentile, in milliseconds`,
      (it) => it.latency?.[measure]?.[share] ?? null,
      'number',
    ]
  }),
)
