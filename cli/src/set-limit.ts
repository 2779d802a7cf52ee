/** `headgate limits set`: gives an owner a figure, whether there is a limit of that measure already or not. */
import { Limit, LimitOwnerId, NewLimit } from '@headgate/domain/limit'
import type { OwnCommand, Run } from './command.ts'
import { wrongUsage } from './exit-codes.ts'
import { ownFlag } from './flags.ts'
import { idNamed } from './names.ts'
import { show, shownReply } from './show.ts'

const measures = Limit.shape.measure.options
const prefixes = ['team', 'app', 'usr', 'key']

export const setLimitCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['limits', 'set'],
  summary: 'Sets the amount of a limit of its own: changes the one that its owner has, or makes it.',
  positionals: [{ name: 'owner', isRequired: true, idPrefixes: prefixes }],
  flags: [
    { ...ownFlag('measure', 'text', 'What is limited.'), isRequired: true, choices: measures },
    { ...ownFlag('amount', 'text', 'How much of it.'), isRequired: true },
    ownFlag('dry-run', 'boolean', 'Does it to its end and takes it back: shows what would change.'),
  ],
  examples: ['headgate limits set team:Payments --measure tokens_per_minute --amount 100000'],
  run: async (run) => {
    const { measure, amount } = figuresIn(run)
    const [text = ''] = run.typed.positionals
    const ownerId = LimitOwnerId.safeParse(await idNamed(text, { prefixes, flag: '<owner>' }, run.client))
    if (!ownerId.success) throw wrongUsage(`<owner> is a team, an app, a user or a key; not "${text}"`)
    const isRehearsal = run.has('dry-run')
    const reply = await set(run, { ownerId: ownerId.data, measure, amount }, isRehearsal)
    await show(shownReply(reply, false), run)
    return 'done'
  },
}

type Figures = { readonly measure: Limit['measure']; readonly amount: number }

function figuresIn(run: Run): Figures {
  const measure = measures.find((it) => it === run.value('measure'))
  if (measure === undefined) throw wrongUsage(`--measure is one of ${measures.join(', ')}`)
  const text = run.value('amount') ?? ''
  if (!/^\d{1,15}$/.test(text)) throw wrongUsage(`--amount is a whole number from 0 on; not "${text}"`)
  return { measure, amount: Number(text) }
}

/** What has a parent is a share of it, or bound by it, and is changed by its id; so is one for a single model. */
async function set(run: Run, wanted: Figures & { readonly ownerId: string }, isRehearsal: boolean) {
  const { limits } = run.client()
  const { ownerId, measure, amount } = wanted
  const { data } = await limits.list({ query: { ownerId, measure, limit: 200 } })
  const own = data.filter((it) => it.parentId === null && it.model === null)
  const [limit, another] = own
  if (another !== undefined)
    throw wrongUsage(
      `It has ${own.length} limits of this measure: change one by its id, ${own.map((it) => it.id).join(', ')}`,
    )
  if (limit === undefined) {
    const body = NewLimit.parse({ ownerId, measure, amount })
    return isRehearsal ? limits.create({ body, dryRun: true }) : limits.create({ body })
  }
  const change = { params: { limitId: limit.id }, body: { amount } }
  return isRehearsal ? limits.change({ ...change, dryRun: true }) : limits.change(change)
}
