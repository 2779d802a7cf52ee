/** Usage records as a file: every field, with names beside ids, latest first. */
import type { Download, TableFormat } from '@headgate/admin-contract/download'
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { renameKeys } from '@headgate/admin-contract/wire'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { HandlerContext } from '../context.ts'
import type { CellType, Column } from './file-column.ts'
import { listUsage, type UsageListing } from './list-usage.ts'
import { moneyOf } from './money-view.ts'
import { nameReader } from './queries.ts'
import { downloadOf } from './table-file.ts'

const PAGE = 2_000

type Named = { readonly record: UsageRecord; readonly names: ReadonlyMap<string, string> }

/** An id and the name that its owner has now. */
function named(word: string, idOf: (record: UsageRecord) => string | null): Column<Named>[] {
  return [
    { name: `${word}_id`, type: 'text', means: `the ${word}`, of: ({ record }) => idOf(record) },
    {
      name: `${word}_name`,
      type: 'text',
      means: `what the ${word} is called now`,
      of: ({ record, names }) => names.get(idOf(record) ?? '') ?? null,
    },
  ]
}

function plain(
  name: string,
  means: string,
  of: (record: UsageRecord) => ReturnType<Column<Named>['of']>,
  type: CellType = 'text',
): Column<Named> {
  return { name, type, means, of: ({ record }) => of(record) }
}

function count(name: string, means: string, of: (record: UsageRecord) => number | null): Column<Named> {
  return plain(name, means, of, 'integer')
}

const columns: readonly Column<Named>[] = [
  plain('request_id', 'the request id that the caller saw', (it) => it.requestId),
  count('attempt', 'which attempt at a provider; 0 when none was made', (it) => it.attempt),
  plain('started_at', 'when the request arrived', (it) => it.startedAt, 'instant'),
  ...named('team', (it) => it.teamId),
  ...named('app', (it) => it.appId),
  ...named('user', (it) => it.userId),
  ...named('key', (it) => it.keyId),
  plain('client_tag', 'whom the caller said it calls for', (it) => it.clientTag),
  plain('endpoint', 'which endpoint was called', (it) => it.endpoint),
  plain('alias', 'the model alias that was asked for', (it) => it.alias),
  plain('model', 'the model that served', (it) => it.upstreamModel),
  ...named('deployment', (it) => it.deploymentId),
  ...named('resource', (it) => it.resourceId),
  plain('stream', 'whether the answer was a stream', (it) => it.stream, 'boolean'),
  count('status', 'the status the caller got', (it) => it.status),
  plain('outcome', 'how the call ended', (it) => it.outcome),
  plain('error_code', 'why it was refused or failed', (it) => it.errorCode),
  count('input_tokens', 'tokens of the prompt', (it) => it.tokens.input),
  count('cached_input_tokens', 'the part of input_tokens read from a cache', (it) => it.tokens.cachedInput),
  count('output_tokens', 'tokens of the answer', (it) => it.tokens.output),
  count('reasoning_tokens', 'the part of output_tokens spent on reasoning', (it) => it.tokens.reasoning),
  plain('usage_source', 'who counted the tokens', (it) => it.usageSource),
  plain(
    'cost',
    'exact decimal; empty when unknown or none',
    ({ costNanos, currency }) =>
      costNanos === null || currency === null ? null : moneyOf(String(costNanos), currency).amount,
    'money',
  ),
  plain('currency', 'of the cost', (it) => it.currency),
  plain('cost_state', 'priced; free; unknown: no price; none: no tokens', (it) => it.costState),
  plain('price_id', 'the price in force', (it) => it.priceId),
  plain('agreement_id', 'the agreement that changed the price', (it) => it.agreementId),
  plain(
    'usage_details',
    'what is billed besides, and parts of tokens, as JSON; empty where there is nothing special',
    (it) => (it.usageDetails === null ? null : JSON.stringify(renameKeys(it.usageDetails))),
  ),
  plain('service_tier', 'the tier that the answer names', (it) => it.serviceTier),
  count('request_bytes', 'size of the request', (it) => it.requestBytes),
  count('reply_bytes', 'size of the answer', (it) => it.replyBytes),
  count('overhead_micros', 'what the gateway added, in microseconds', (it) => it.overheadMicros),
  count('first_byte_ms', 'until the first byte of the answer, in milliseconds', (it) => it.firstByteMs),
  count('total_ms', 'until the end, in milliseconds', (it) => it.totalMs),
]

/** The records of a filter as a file; those that arrive later than now are not in it. */
export function recordFile(
  { format, ...filter }: UsageFilter & { format: TableFormat },
  { now, ...listing }: UsageListing & Pick<HandlerContext, 'now'>,
  onRows?: (count: number) => void,
): Download {
  const wanted = { ...filter, to: filter.to ?? now }
  return downloadOf(
    {
      name: `usage-records-${now.slice(0, 10)}`,
      columns,
      pages: pagesOf(wanted, listing),
      about: { as_of: now, filter: renameKeys(wanted), zone: 'UTC', order: 'latest first' },
    },
    format,
    onRows,
  )
}

async function* pagesOf(filter: UsageFilter, listing: UsageListing): AsyncGenerator<Named[]> {
  const namesOf = nameReader(listing.db)
  for (let cursor: string | undefined; ; ) {
    const { data, page } = await listUsage({ ...filter, limit: PAGE, ...(cursor ? { cursor } : {}) }, listing)
    const names = await namesOf(data)
    yield data.map((record) => ({ record, names }))
    if (page.nextCursor === null) return
    cursor = page.nextCursor
  }
}
