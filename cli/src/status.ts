/** `headgate status`: on one screen, where one is, who one is, and whether what was changed is served. */
import type { OwnCommand, Run } from './command.ts'
import { findConnection } from './connection.ts'
import { show } from './show.ts'

export const statusCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['status'],
  summary:
    'Tells which server it is, who you are there, the catalog in force, and which gateways serve from it.',
  positionals: [],
  flags: [],
  examples: ['headgate status', 'headgate status --output json'],
  run: async (run) => {
    const asked = { server: run.value('server'), profile: run.value('profile') }
    const { server, from } = await findConnection(run.settings, asked, run.stop)
    const [me, catalog, gateways, warned] = await Promise.all([
      run.client().me.read(),
      run.client().catalog.read(),
      run.client().catalog.gateways(),
      budgetsInTrouble(run),
    ])
    await show(
      {
        ...{ server, found_in: from, actor: me.actor, credential: me.credential, expires_at: me.expiresAt },
        catalog_version: catalog.version,
        catalog_made_at: catalog.compiledAt,
        gateways_live: gateways.live,
        gateways_known: gateways.known,
        budgets_in_trouble: warned,
      },
      run,
    )
    return 'done'
  },
}

/** Names of budgets that refuse or slow calls now, with what they do. */
async function budgetsInTrouble(run: Run): Promise<string[]> {
  const { data } = await run.client().budgets.live()
  return data
    .filter(({ state }) => state !== 'ok' && state !== 'unpriced')
    .map(({ ownerName, name, state }) => `${ownerName}: ${name} (${state})`)
}
