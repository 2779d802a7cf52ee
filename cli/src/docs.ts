/** `headgate docs`: the guides and runbooks of this very version, from the checkout it runs from. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { OwnCommand } from './command.ts'
import { CommandFault, wrongUsage } from './exit-codes.ts'
import { didYouMean } from './nearest.ts'
import { show } from './show.ts'

const ROOT = resolve(import.meta.dirname, '../../docs')
const KINDS = ['guides', 'runbooks', 'reference'] as const

export const docsCommand: OwnCommand = {
  kind: 'own',
  words: ['docs'],
  summary: 'Prints a guide, a runbook or a page of the reference; without a topic, lists them.',
  positionals: [{ name: 'topic', isRequired: false, idPrefixes: [] }],
  flags: [],
  examples: ['headgate docs', 'headgate docs budgets', 'headgate docs redis-down'],
  suggest: async () => (await topics()).map((it) => it.name),
  run: async (run) => {
    const all = await topics()
    const [topic] = run.typed.positionals
    if (topic === undefined) {
      await show(
        all.map(({ name, kind, title }) => ({ name, kind, title })),
        run,
      )
      return 'done'
    }
    const found = all.find((it) => it.name === topic)
    const names = all.map((it) => it.name)
    if (found === undefined)
      throw wrongUsage(
        `There is no page on "${topic}".${didYouMean(topic, names)} \`headgate docs\` lists them.`,
      )
    await run.io.out(found.text)
    return 'done'
  },
}

type Topic = { readonly name: string; readonly kind: string; readonly title: string; readonly text: string }

async function topics(): Promise<Topic[]> {
  const found = await Promise.all(
    KINDS.map(async (kind) => {
      const files = (await readdir(join(ROOT, kind)).catch(() => []))
        .filter((it) => it.endsWith('.md'))
        .sort()
      return Promise.all(
        files.map(async (file) => {
          const text = await readFile(join(ROOT, kind, file), 'utf8')
          return { name: file.replace(/\.md$/, ''), kind, title: /^# (.+)$/m.exec(text)?.[1] ?? '', text }
        }),
      )
    }),
  )
  if (found.flat().length > 0) return found.flat()
  throw new CommandFault('failed', 'headgate docs needs the whole checkout, and this is not one.')
}
