/**
 * The price list that comes with this version: public list prices of OpenAI and Azure OpenAI, with their source
 * and day. `scripts/make-shipped-lists.ts` makes it; whose data it is and under which licence stands in NOTICES.md.
 */
import { PriceList } from '@headgate/domain/price-list'
import list from './shipped-list.json' with { type: 'json' }

/** The list, read anew each time: it is asked for a few times a year. */
export function shippedPrices(): PriceList {
  return PriceList.parse(list)
}

/** The models that it names, of which no alias may bear the name by accident. */
export function shippedModels(): ReadonlySet<string> {
  return new Set(list.prices.map((price) => price.model))
}
