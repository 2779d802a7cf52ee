/** The catalog feed in this process alone, for standalone use and tests. */
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { CatalogFeed, GatewayStamp } from '@headgate/domain/ports'

/** A catalog feed in memory. Hints come in a later turn of the event loop, as they would from afar. */
export function memoryCatalogFeed(): CatalogFeed {
  let current: CatalogDocument | null = null
  const hints: (() => void)[] = []
  const gateways = new Map<string, GatewayStamp>()
  return {
    publish: async (document) => {
      if (current !== null && document.version <= current.version) return
      current = structuredClone(document)
      for (const hint of hints) setImmediate(hint)
    },
    newerThan: async (version) =>
      current !== null && current.version > version ? structuredClone(current) : null,
    acknowledge: async (gatewayId, version) => {
      if (version === null) gateways.delete(gatewayId)
      else gateways.set(gatewayId, { gatewayId, version, seenAtMs: Date.now() })
    },
    gateways: async () => [...gateways.values()],
    onHint: (hint) => void hints.push(hint),
  }
}
