/**
 * Publishes the catalog: takes the committed version to the feed that gateways read. Called after every commit
 * that made a version, and by a job that compares what is committed with what is published, so that a crash
 * between the two, an emptied Redis or a restored backup heals by itself.
 */
import type { CatalogFeed, Clock, Log } from '@headgate/domain/ports'
import type { Database } from '../database/open.ts'
import { readSealedSecrets } from '../database/stored-secrets.ts'
import { readCatalogDocument, readCatalogStamp } from '../resources/catalog/queries.ts'
import { checksumOf, compileCatalog, lockCatalog } from './compile.ts'

export type CatalogPublisher = {
  /** Publishes the version in force. */
  publish(): Promise<void>
  /** Publishes what the feed lacks, and overtakes what is not ours. */
  heal(): Promise<void>
  /** Makes a first version, even an empty one, so that gateways become ready. */
  begin(): Promise<void>
}

export type PublisherPlan = {
  readonly db: Database
  readonly feed: CatalogFeed
  /**
   * Called before anything is put into a feed that holds nothing: whoever lost the catalog lost what stood
   * beside it too. Before, so that a failure half-way leaves the feed empty and is tried again.
   */
  readonly onEmptyFeed: () => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Makes the publisher. All its functions reject when Postgres or the feed cannot be asked. */
export function catalogPublisher(plan: PublisherPlan): CatalogPublisher {
  return { publish: () => publish(plan), heal: () => heal(plan), begin: () => begin(plan) }
}

async function publish(plan: PublisherPlan): Promise<void> {
  const current = await readCatalogDocument(plan.db)
  if (current === undefined) return
  if (checksumOf(current.document) !== current.checksum)
    throw new Error(`catalog ${current.document.version} was changed in the database and is not published`)
  if ((await publishedFrom(plan, 1)) === 'nothing') await plan.onEmptyFeed()
  await plan.feed.publish({ ...current.document, sealedSecrets: await readSealedSecrets(plan.db) })
}

async function heal(plan: PublisherPlan): Promise<void> {
  const committed = await readCatalogStamp(plan.db)
  if (committed === undefined) return
  let published = await publishedFrom(plan, committed.version)
  if (published === 'nothing' || published === 'unreadable') {
    await publish(plan)
    plan.log('info', 'published the catalog anew', { version: committed.version })
    // A feed that keeps what it has under this number would stay unreadable.
    published = published === 'nothing' ? published : await publishedFrom(plan, committed.version)
  }
  if (published === 'nothing') return
  const theirs = published === 'unreadable' ? { version: committed.version, compiledAt: '' } : published
  // Compared by when they were made, not by content: while versions of this program are mixed, each reads
  // the document with its own shapes, and they would outbid each other for ever.
  const isSame = theirs.version === committed.version && theirs.compiledAt === committed.compiledAt
  if (!isSame && (await overtake(plan, theirs))) await publish(plan)
}

type Published = { readonly version: number; readonly compiledAt: string }

/**
 * What the feed holds if it is this version or later. Whether it cannot be read because it is damaged or because
 * it is away is not told apart here; away shows when publishing fails too.
 */
async function publishedFrom(
  plan: PublisherPlan,
  version: number,
): Promise<Published | 'nothing' | 'unreadable'> {
  try {
    return (await plan.feed.newerThan(version - 1)) ?? 'nothing'
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault)
    plan.log('debug', 'the published catalog cannot be read', { reason })
    return 'unreadable'
  }
}

/**
 * Gateways have seen a catalog that is not ours under our number or a later one: a backup was restored, or the
 * feed served another database. The truth is here, so it gets the next number after theirs.
 */
async function overtake(plan: PublisherPlan, published: Published): Promise<boolean> {
  return plan.db.transaction().execute(async (db) => {
    await lockCatalog(db)
    const committed = await readCatalogStamp(db)
    if (committed === undefined) return false
    if (committed.version > published.version) return true
    if (committed.version === published.version && committed.compiledAt === published.compiledAt) return false
    const nowMs = plan.clock.nowMs()
    const message = `overtakes version ${published.version}, which was published from elsewhere`
    await compileCatalog(db, { nowMs, author: 'system', message, versionMin: published.version + 1 })
    plan.log('warn', 'the published catalog was not of this database; published the next version', {
      published: published.version,
    })
    return true
  })
}

async function begin(plan: PublisherPlan): Promise<void> {
  await plan.db.transaction().execute(async (db) => {
    await lockCatalog(db)
    if ((await readCatalogStamp(db)) !== undefined) return
    await compileCatalog(db, { nowMs: plan.clock.nowMs(), author: 'system', message: 'first version' })
  })
}
