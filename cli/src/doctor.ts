/** `headgate doctor`: looks at this machine and at the server, and says of each thing whether it is well, and the cure. */
import { statfs } from 'node:fs/promises'
import type { OwnCommand, Run } from './command.ts'
import { type Connection, findConnection } from './connection.ts'
import { toldOf } from './exit-codes.ts'
import { formOf, show } from './show.ts'

const SKEW_MS_MAX = 30_000
const FREE_BYTES_MIN = 1_000_000_000
const TIMEOUT_MS = 5_000

export type Check = {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** Null where nothing need be done. */
  readonly fix: string | null
}

export const doctorCommand: OwnCommand = {
  kind: 'own',
  connects: true,
  words: ['doctor'],
  summary:
    'Checks this machine, the server, your token, what gateways serve, the audit log and usage, each with a fix.',
  positionals: [],
  flags: [],
  examples: ['headgate doctor', 'headgate doctor --output json'],
  run: async (run) => {
    const checks = [...(await machineChecks(run)), ...(await serverChecks(run))]
    if (formOf(run) === 'table') await run.io.out(`${checks.map(lineOf).join('\n')}\n`)
    else await show(checks, run)
    return checks.some((it) => it.state === 'fail') ? 'differs' : 'done'
  },
}

function lineOf({ check, state, found, fix }: Check): string {
  return `${state.padEnd(5)} ${check.padEnd(12)} ${found}${fix === null ? '' : `\n                   ${fix}`}`
}

async function machineChecks({ settings }: Run): Promise<Check[]> {
  const major = Number(process.versions.node.split('.')[0])
  const { bavail, bsize } = await statfs(process.cwd())
  const free = bavail * bsize
  return [
    judge('node', major >= 24, process.version, 'Use Node 24: any npm command of the checkout brings one.'),
    judge(
      'disk',
      free >= FREE_BYTES_MIN,
      `${(free / 1e9).toFixed(1)} GB free here`,
      'Make room: stores and journals need some.',
      'warn',
    ),
    judge('token kept', true, settings.token === null ? 'not in the environment' : 'in HEADGATE_TOKEN', ''),
  ]
}

function judge(
  check: string,
  isWell: boolean,
  found: string,
  fix: string,
  worst: 'warn' | 'fail' = 'fail',
): Check {
  return isWell ? { check, state: 'ok', found, fix: null } : { check, state: worst, found, fix }
}

/** The first thing that fails hides the ones behind it, so the rest is not asked. */
async function serverChecks(run: Run): Promise<Check[]> {
  const done: Check[] = []
  try {
    const asked = { server: run.value('server'), profile: run.value('profile') }
    const connection = await findConnection(run.settings, asked, run.stop)
    done.push(...(await reachChecks(connection, run)))
    if (done.every((it) => it.state !== 'fail')) done.push(...(await adminChecks(run)))
  } catch (fault) {
    if (run.stop.aborted) throw fault
    const { text } = toldOf(fault)
    done.push({
      check: 'server',
      state: 'fail',
      found: text.split('\n')[0] ?? '',
      fix: 'headgate help login',
    })
  }
  return done
}

async function reachChecks({ server }: Connection, run: Run): Promise<Check[]> {
  const signal = AbortSignal.any([run.stop, AbortSignal.timeout(TIMEOUT_MS)])
  const beforeMs = Date.now()
  const answer = await fetch(`${server}/readyz`, { signal, redirect: 'error' }).catch(() => null)
  if (answer === null) {
    const fix = 'Start it (headgate up), or name another: --server, HEADGATE_URL.'
    return [{ check: 'server', state: 'fail', found: `${server} does not answer`, fix }]
  }
  const told = Date.parse(answer.headers.get('date') ?? '')
  const skewMs = Number.isNaN(told) ? 0 : Math.abs(told - beforeMs)
  return [
    judge(
      'server',
      answer.ok,
      `${server} answers ${answer.status}`,
      'It is not ready: look at its log, and at Postgres.',
    ),
    judge(
      'clock',
      skewMs < SKEW_MS_MAX,
      `${Math.round(skewMs / 1000)} s apart from the server`,
      'Set the clock: tokens and periods go by it.',
      'warn',
    ),
  ]
}

async function adminChecks(run: Run): Promise<Check[]> {
  const client = run.client()
  const me = await client.me.read()
  const [catalog, gateways, versions] = await Promise.all([
    client.catalog.read(),
    client.catalog.gateways(),
    unpriced(run),
  ])
  const left = me.expiresAt === null ? null : Date.parse(me.expiresAt) - Date.now()
  const isSoon = left !== null && left < 7 * 86_400_000
  const checks = [
    judge(
      'token',
      !isSoon,
      `${me.actor}, ${me.rights.length} rights${me.expiresAt === null ? '' : `, until ${me.expiresAt}`}`,
      'Make a new one soon: headgate tokens create',
      'warn',
    ),
    judge(
      'catalog',
      catalog.version > 0,
      `version ${catalog.version}`,
      'Nothing is published yet: make a team, a resource, a deployment, a model and a route.',
      'warn',
    ),
    judge(
      'gateways',
      gateways.known > 0 && gateways.live === gateways.known,
      `${gateways.live} of ${gateways.known} serve from it`,
      'Look at those that do not: headgate changes gateways',
      'warn',
    ),
    versions,
  ]
  const mayAudit = me.rights.some((it) => it.right === 'audit.read')
  return mayAudit ? [...checks, await auditCheck(run)] : checks
}

async function unpriced(run: Run): Promise<Check> {
  const { data } = await run.client().usage.query()
  const calls = data[0]?.sums.callsWithoutPrice ?? 0
  return judge(
    'prices',
    calls === 0,
    `${calls} calls of the last day have no price`,
    'headgate usage query --by model, then headgate prices create',
    'warn',
  )
}

async function auditCheck(run: Run): Promise<Check> {
  const report = await run.client().auditEvents.verify()
  return judge(
    'audit log',
    report.isWhole,
    `${report.events} events, ${report.faults.length} faults`,
    'docs/runbooks/audit-log-not-whole.md',
  )
}
