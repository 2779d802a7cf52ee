/**
 * Makes the shipped lists of prices and of models from LiteLLM's public one (MIT): OpenAI's and Azure's models, in our
 * shapes. Prices that name a source of their own in the shipped list of before are kept.
 * `node scripts/make-shipped-lists.ts <model_prices_and_context_window.json> <its day>`
 */
import { readFile, writeFile } from 'node:fs/promises'
import { ModelList } from '@headgate/domain/model-list'
import { PriceList } from '@headgate/domain/price-list'
import { listedModel, servedModes } from './shipped-lists/listed-model.ts'
import { listedPrice, pricedModes } from './shipped-lists/listed-price.ts'
import { type Entry, sourceModels } from './shipped-lists/source-models.ts'

const source = 'LiteLLM model_prices_and_context_window.json'
const shipped = (group: string) =>
  new URL(`../control-plane/src/resources/${group}/shipped-list.json`, import.meta.url)

/** In the order of their names, the first of each. */
function sorted<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  const byName = new Map(items.toReversed().map((it) => [nameOf(it), it]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, it]) => it)
}

async function write(
  group: string,
  { source, day }: { source: string; day: string },
  field: string,
  items: unknown[],
) {
  const lines = items.map((it) => `    ${JSON.stringify(it)}`).join(',\n')
  const head = `{\n  "source": ${JSON.stringify(source)},\n  "day": "${day}",\n  "${field}": [\n`
  await writeFile(shipped(group), `${head}${lines}\n  ]\n}\n`)
}

const [path, day] = process.argv.slice(2)
if (path === undefined || day === undefined) throw new Error('give the path of their file and its day')
const theirs = JSON.parse(await readFile(path, 'utf8')) as Record<string, Entry>

const before = PriceList.parse(JSON.parse(await readFile(shipped('prices'), 'utf8')))
const kept = before.prices.filter((it) => it.source !== null)
const found = sourceModels(theirs, pricedModes).flatMap(listedPrice)
const prices = sorted([...kept, ...found], (it) => `${it.provider} ${it.model}`)
const priceList = PriceList.parse({ source, day, prices })
await write('prices', priceList, 'prices', priceList.prices)

const models = sorted(
  sourceModels(theirs, servedModes).flatMap(listedModel),
  (it) => `${it.provider} ${it.name}`,
)
const modelList = ModelList.parse({ source, day, models })
await write('model-entries', modelList, 'models', modelList.models)
