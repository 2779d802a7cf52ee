/**
 * The catalog this gateway serves from. News comes by hint and, as the guarantee, by poll; a new one is opened
 * whole and then takes the old one's place in one assignment, so no call and no connection notices. A bad one
 * is told and not taken. The last good one is kept on the shelf for a start without anybody to ask.
 */
import { type Catalog, type CatalogDocument, openCatalog } from '@headgate/domain/catalog'
import type { CatalogFeed, CatalogShelf, Log } from '@headgate/domain/ports'

const POLL_MS = 5000
const POLL_JITTER_MS = 1000
const RETRY_MS = 500

export type LiveCatalog = {
  /** The catalog to serve from; null until the first one has come. */
  current(): Catalog | null
  close(): Promise<void>
}

/** `gatewayId` is what this gateway is called when it says which version it serves from. */
type Sources = {
  feed: CatalogFeed
  shelf: CatalogShelf
  log: Log
  gatewayId: string
  /** Told of each catalog before calls are served from it. */
  onTake?: (document: CatalogDocument) => void
}

/** Takes the published catalog, or the last good one when none can be had, and follows the news. */
export async function followCatalog(sources: Sources): Promise<LiveCatalog> {
  const follower = new Follower(sources)
  await follower.refresh()
  if (follower.catalog === null) await follower.takeFromShelf()
  follower.follow()
  return { current: () => follower.catalog, close: () => follower.close() }
}

class Follower {
  catalog: Catalog | null = null
  readonly #sources: Sources
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #hinted = false
  #closed = false
  #told = ''

  constructor(sources: Sources) {
    this.#sources = sources
  }

  follow(): void {
    this.#sources.feed.onHint(() => {
      this.#hinted = true
      if (this.#running === null) void this.#turn()
    })
    this.#plan(this.catalog === null ? RETRY_MS : POLL_MS + Math.random() * POLL_JITTER_MS)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#running
    await this.#acknowledge(null)
  }

  /** For whoever watches a publication; that it cannot be said keeps nobody from serving. */
  async #acknowledge(version: number | null): Promise<void> {
    await this.#sources.feed.acknowledge(this.#sources.gatewayId, version).catch(() => {})
  }

  /** Asks for news once; a feed that cannot be asked is told once, not each time. */
  async refresh(): Promise<void> {
    try {
      const document = await this.#sources.feed.newerThan(this.catalog?.version ?? 0)
      if (document !== null) {
        this.#take(document)
        await this.#sources.shelf.save(document)
      }
      this.#told = ''
      if (this.catalog !== null) await this.#acknowledge(this.catalog.version)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      if (text !== this.#told)
        this.#sources.log('error', 'the catalog could not be refreshed', { error: text })
      this.#told = text
    }
  }

  async takeFromShelf(): Promise<void> {
    try {
      const document = await this.#sources.shelf.load()
      if (document === null) return
      this.#take(document)
      this.#sources.log('warn', 'serving from the last good catalog on disk', { version: document.version })
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#sources.log('error', 'the catalog on disk cannot be served from', { error: text })
    }
  }

  #take(document: CatalogDocument): void {
    if (document.version <= (this.catalog?.version ?? 0)) return
    const catalog = openCatalog(document)
    this.#sources.onTake?.(document)
    this.catalog = catalog
    this.#sources.log('info', 'catalog taken', { version: document.version })
  }

  async #turn(): Promise<void> {
    if (this.#closed) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#hinted = false
    this.#running = this.refresh()
    await this.#running
    this.#running = null
    if (this.#hinted) return this.#turn()
    this.#plan(this.catalog === null ? RETRY_MS : POLL_MS + Math.random() * POLL_JITTER_MS)
  }

  #plan(waitMs: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#turn(), waitMs)
    this.#timer.unref()
  }
}
