/** Completion as people have it: real shells, a real control plane, names that a shell would like to run. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { insertUsage } from '@headgate/control-plane/jobs/usage-rows'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { bareEnvironment } from '../servers/environment.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const MAIN = resolve(import.meta.dirname, '../../cli/src/main.ts')
/** It would make a file of this name, if any shell ran it. */
const HOSTILE = '$(touch ran) `touch ran`'
const hasShell = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0

let it: TestPlane
let home: CliHome
let shown: { twins: string[] }
beforeAll(async () => {
  it = await startTestPlane()
  home = await cliHome({ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
  const { client } = it
  const team = await client.teams.create({ body: { name: 'Payments' } })
  const hostile = await client.teams.create({ body: { name: HOSTILE } })
  for (const name of ['checkout', 'checkout in production', "O'Hara: the app"])
    await client.apps.create({ body: { teamId: team.id, name } })
  const twins = await Promise.all(
    [team, hostile].map(({ id }) => client.apps.create({ body: { teamId: id, name: 'twin' } })),
  )
  await client.limits.create({ body: { ownerId: team.id, measure: 'tokens_per_minute', amount: 1000 } })
  shown = { twins: twins.map(({ id }) => id).sort() }
  const bin = join(home.path, 'bin')
  await mkdir(bin)
  await mkdir(join(home.path, 'files'))
  await writeFile(join(home.path, 'files', 'routes one.yaml'), '')
  await writeFile(join(bin, 'headgate'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
    mode: 0o755,
  })
  for (const shell of ['bash', 'zsh', 'fish'])
    await writeFile(join(home.path, `completion.${shell}`), (await home.cli(['completion', shell])).out)
})
afterAll(async () => {
  await home.remove()
  await it.stop()
})

const environment = (more: Record<string, string> = {}) => ({
  ...bareEnvironment(),
  PATH: `${join(home.path, 'bin')}:${bareEnvironment().PATH}`,
  HOME: home.path,
  TERM: 'dumb',
  XDG_CONFIG_HOME: join(home.path, 'config'),
  ...{ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN },
  ...more,
})

/** On a busy machine the second in which something is offered may pass: people press Tab again. */
const again = { timeout: 60_000, interval: 100 }
const patient = { timeout: 300_000 }

/** What the programme offers for the last of some words, without what tells it apart. */
const offers = async (words: string[], env: Record<string, string> = {}) => {
  const { code, out, err } = await home.cli(['complete', ...words.map((word) => `--word=${word}`)], { env })
  expect([code, err]).toEqual([0, ''])
  return valuesIn(out)
}

const valuesIn = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0] as string)

describe('what is offered', patient, () => {
  test('names of things, and ids where there are none or two things have one', async () => {
    await expect
      .poll(async () => (await offers(['teams', 'show', ''])).toSorted(), again)
      .toEqual([HOSTILE, 'Payments'])
    await expect
      .poll(async () => (await offers(['apps', 'show', 'check'])).toSorted(), again)
      .toEqual(['checkout', 'checkout in production'])
    expect((await offers(['apps', 'show', 'tw'])).toSorted()).toEqual([])
    await expect.poll(() => offers(['apps', 'show', 'app_']), again).toHaveLength(5)
    const isId = (one: string) => one.startsWith('app_')
    await expect
      .poll(async () => (await offers(['apps', 'show', ''])).filter(isId).toSorted(), again)
      .toEqual(shown.twins)
    await expect.poll(() => offers(['limits', 'show', '']), again).toEqual([expect.stringMatching(/^lim_/)])
  })

  test('what a flag takes: names, several of them, of several kinds, and choices in a list', async () => {
    await expect.poll(() => offers(['apps', 'list', '--team', 'Pay']), again).toEqual(['Payments'])
    await expect.poll(() => offers(['apps', 'list', '--team=Pay']), again).toEqual(['Payments'])
    await expect
      .poll(() => offers(['alert-channels', 'create', '--team', 'x,Pay']), again)
      .toEqual(['x,Payments'])
    await expect.poll(() => offers(['limits', 'set', 'team:P']), again).toEqual(['team:Payments'])
    await expect.poll(() => offers(['limits', 'create', '--owner', 'Pay']), again).toEqual(['Payments'])
    await expect.poll(() => offers(['settings', 'set', 'keep_au']), again).toEqual(['keep_audit_days'])
    await expect.poll(async () => (await offers(['changes', 'show', ''])).length, again).toBeGreaterThan(3)
    await expect.poll(() => offers(['docs', 'budg']), again).toEqual(['budgets'])
  })

  test('nothing, silently and soon, without a sign-in, a server, or a server that answers', async () => {
    expect(await offers(['teams', 'show', ''], { HEADGATE_TOKEN: '' })).toEqual([])
    expect(await offers(['teams', 'show', ''], { HEADGATE_URL: 'http://127.0.0.1:9' })).toEqual([])
    expect(await offers(['no', 'such', 'command'])).toEqual([])
    const silent = createServer(() => {})
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const { port } = silent.address() as AddressInfo
    expect(await offers(['teams', 'show', ''], { HEADGATE_URL: `http://127.0.0.1:${port}` })).toEqual([])
    silent.close()
    silent.closeAllConnections()
  })

  test('what would steer a terminal is not offered', async () => {
    const requestIds = ['req_plain', 'req_\u001b[2J', 'req_a\nb']
    await insertUsage(
      it.db,
      requestIds.map((requestId, n) => usageRecord(n, { requestId })),
    )
    expect((await it.client.requests.list()).data).toHaveLength(3)
    await expect.poll(() => offers(['explain', 'req_']), again).toEqual(['req_plain'])
  })
})

/** The line as it stands after somebody typed it and pressed Tab, in a real interactive shell. */
type Typist = (line: string, env?: Record<string, string>) => Promise<string>

/** On a terminal made by `script`; the line is shown by a widget that prints what the shell holds. */
function onTerminal(shell: 'bash' | 'zsh', setUp: string, show: string): Typist {
  return async (line, env = {}) => {
    const start = join(home.path, `start.${shell}`)
    await writeFile(start, setUp)
    const run = shell === 'bash' ? `bash --noprofile --rcfile ${start} -i` : `zsh -d -f -i`
    const child = spawn('script', ['-qfec', run, '/dev/null'], {
      cwd: home.path,
      env: environment({ ...env, ZDOTDIR: home.path }),
    })
    let seen = ''
    child.stdout.on('data', (bytes) => {
      seen += bytes
    })
    const until = async (what: RegExp) => {
      for (let turn = 0; turn < 400; turn++) {
        const found = what.exec(seen)
        if (found !== null) return found
        await new Promise((done) => setTimeout(done, 50))
      }
      throw new Error(`${shell} did not come to ${what}: ${JSON.stringify(seen)}`)
    }
    if (shell === 'zsh') child.stdin.write(`source ${start}\n`)
    await until(/READY/)
    seen = ''
    child.stdin.write(`${line}\t${show}`)
    const [, held = ''] = await until(/LINE\[([^\]]*)\]/)
    child.kill()
    return held
  }
}

const typists: Record<'bash' | 'zsh', () => Typist> = {
  bash: () =>
    onTerminal(
      'bash',
      [
        `source ${join(home.path, 'completion.bash')}`,
        'PS1= PS2= ; bind "set bell-style none" ; bind "set enable-bracketed-paste off"',
        `bind -x '"\\C-o": printf "LINE[%s]" "$READLINE_LINE"'`,
        'printf "REA%s" DY',
      ].join('\n'),
      '\u000f',
    ),
  zsh: () =>
    onTerminal(
      'zsh',
      [
        'PS1= ; unsetopt ZLE_BRACKETED_PASTE 2>/dev/null ; autoload -Uz compinit && compinit -u -D',
        `source ${join(home.path, 'completion.zsh')}`,
        'show-line() { print -rn "LINE[$BUFFER]" } ; zle -N show-line ; bindkey "^O" show-line',
        'printf "REA%s" DY',
      ].join('\n'),
      '\u000f',
    ),
}

describe.each(['bash', 'zsh'] as const)('in %s', patient, (shell) => {
  const isHere = hasShell(shell) && hasShell('bash') && spawnSync('script', ['--version']).status === 0
  test.skipIf(!isHere)('words, flags and choices are completed', async () => {
    const type = typists[shell]()
    await expect.poll(() => type('headgate key'), again).toBe('headgate keys ')
    await expect
      .poll(() => type('headgate keys rotate --grace'), again)
      .toBe('headgate keys rotate --grace-minutes ')
    await expect
      .poll(() => type('headgate teams list --output nd'), again)
      .toBe('headgate teams list --output ndjson ')
    await expect.poll(() => type('headgate help key'), again).toBe('headgate help keys ')
  })

  test.skipIf(!isHere)(
    'names with blanks, quotes and colons stand there as the shell wants them',
    async () => {
      const type = typists[shell]()
      await expect.poll(() => type('headgate teams show Pay'), again).toBe('headgate teams show Payments ')
      await expect
        .poll(() => type('headgate apps show checkout\\ '), again)
        .toBe('headgate apps show checkout\\ in\\ production ')
      await expect
        .poll(() => type('headgate apps show "checkout '), again)
        .toBe('headgate apps show "checkout in production" ')
      await expect
        .poll(() => type("headgate apps show O\\'H"), again)
        .toBe("headgate apps show O\\'Hara:\\ the\\ app ")
      await expect
        .poll(() => type('headgate limits set team:Pay'), again)
        .toBe('headgate limits set team:Payments ')
      await expect
        .poll(() => type('headgate apps list --team=Pay'), again)
        .toBe('headgate apps list --team=Payments ')
    },
  )

  test.skipIf(!isHere)('files stand where files are meant, and a name is never run', async () => {
    const type = typists[shell]()
    await expect
      .poll(() => type('headgate routes create --file files/rou'), again)
      .toBe('headgate routes create --file files/routes\\ one.yaml ')
    await expect
      .poll(() => type('headgate teams show \\$'), again)
      .toBe('headgate teams show \\$\\(touch\\ ran\\)\\ \\`touch\\ ran\\` ')
    expect(spawnSync('ls', [home.path], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('ran')
  })

  test.skipIf(!isHere)('a server that is away leaves the line as it was', async () => {
    const line = 'headgate teams show Pay'
    expect(await typists[shell]()(line, { HEADGATE_URL: 'http://127.0.0.1:9' })).toBe(line)
  })
})

describe('in fish', patient, () => {
  const isHere = hasShell('fish')
  /** What fish offers; it says so itself for a line. */
  const ask = async (line: string, env: Record<string, string> = {}) => {
    const asked = `'${line.replaceAll("'", "\\'")}'`
    const program = `source ${join(home.path, 'completion.fish')}; complete -C ${asked}`
    const child = spawn('fish', ['--no-config', '-c', program], { cwd: home.path, env: environment(env) })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        said += bytes
      })
    await new Promise<void>((done) => child.once('close', () => done()))
    return valuesIn(said).toSorted()
  }
  test.skipIf(!isHere)('words, flags, choices, names and files are completed', async () => {
    await expect.poll(() => ask('headgate lo'), again).toEqual(['login', 'logout', 'logs'])
    await expect.poll(() => ask('headgate logs '), again).toEqual(['list', 'tail'])
    await expect.poll(() => ask('headgate keys rotate --grace'), again).toEqual(['--grace-minutes'])
    await expect.poll(() => ask('headgate teams list --output nd'), again).toEqual(['ndjson'])
    await expect.poll(() => ask('headgate teams list --output=nd'), again).toEqual(['--output=ndjson'])
    await expect
      .poll(() => ask('headgate apps show check'), again)
      .toEqual(['checkout', 'checkout in production'])
    await expect.poll(() => ask("headgate apps show 'checkout "), again).toEqual(['checkout in production'])
    await expect.poll(() => ask('headgate limits set team:Pay'), again).toEqual(['team:Payments'])
    await expect.poll(() => ask('headgate apps list --team=Pay'), again).toEqual(['--team=Payments'])
    await expect
      .poll(() => ask('headgate routes create --file files/rou'), again)
      .toEqual(['files/routes one.yaml'])
    await expect.poll(() => ask('headgate teams show '), again).toEqual([HOSTILE, 'Payments'])
    expect(spawnSync('ls', [home.path], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('ran')
  })

  test.skipIf(!isHere)('a server that is away offers nothing', async () => {
    expect(await ask('headgate teams show Pay', { HEADGATE_URL: 'http://127.0.0.1:9' })).toEqual([])
  })
})
