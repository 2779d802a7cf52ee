/** Usage records as text, as they wait between the planes: read one by one, so that a bad one spoils no other. */
import { UsageRecord } from '@headgate/domain/usage-record'

export type ReadRecords = {
  readonly records: UsageRecord[]
  /** What does not parse, as it stood there. */
  readonly dead: string[]
}

/** @param text a JSON list of records */
export function readRecords(text: unknown): ReadRecords {
  const parsed = parseList(text)
  if (parsed === null) return { records: [], dead: [String(text)] }
  const records: UsageRecord[] = []
  const dead: string[] = []
  for (const item of parsed) {
    const result = UsageRecord.safeParse(item)
    if (result.success) records.push(result.data)
    else dead.push(JSON.stringify(item))
  }
  return { records, dead }
}

function parseList(text: unknown): unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(String(text))
    return Array.isArray(parsed) ? parsed : null
  } catch {
    return null
  }
}
