/**
 * An entry as an item of Cosmos DB. The partition is one team on one day: far below the 20 GB that a logical partition
 * may hold, and what most questions are about. A correction lies beside the call that it is of.
 */
import { entryFields, entryId, entryPlace, type SinkEntry } from '@headgate/domain/sink-entry'

/** Where the container must part by. */
export const PARTITION_PATH = '/partition'

/** What Cosmos DB takes no id with, and how long one may be in bytes. */
const BAD_ID = /[/\\?#]/
const ID_BYTES_MAX = 1023
/** A little less than the 2 MB it takes. */
const ITEM_BYTES_MAX = 1_990_000
const DAY_SECONDS = 24 * 60 * 60

export type CosmosItem = {
  readonly id: string
  readonly partition: string
  readonly body: Readonly<Record<string, unknown>>
  /** Of its JSON text. */
  readonly bytes: number
}

/** @param ttlDays after so many days Cosmos DB removes it; null leaves that to the container */
export function cosmosItem(entry: SinkEntry, ttlDays: number | null): CosmosItem {
  const id = entryId(entry)
  const { startedAt, teamId } = entryPlace(entry)
  const day = startedAt.slice(0, 10)
  const partition = `${teamId ?? 'none'}/${day}`
  const ttl = ttlDays === null ? {} : { ttl: ttlDays * DAY_SECONDS }
  const body = { id, partition, day, ...entryFields(entry), ...ttl }
  return { id, partition, body, bytes: Buffer.byteLength(JSON.stringify(body)) }
}

/** Why there can be no such item; null when there can. */
export function itemFault({ id, bytes }: CosmosItem): string | null {
  if (BAD_ID.test(id)) return 'its id has a character that Cosmos DB takes in no id'
  if (Buffer.byteLength(id) > ID_BYTES_MAX) return 'its id is too long for Cosmos DB'
  return bytes > ITEM_BYTES_MAX ? 'it is too large for Cosmos DB' : null
}
