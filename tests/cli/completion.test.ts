/** Completion as people have it: real shells, a real control plane, names that a shell would like to run. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { bareEnvironment } from '../servers/environment.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const MAIN = resolve(import.meta.dirname, '../../cli/src/main.ts')
/** It would make a file of this name, if any shell ran it. */
const HOSTILE = '$(touch ran) `touch ran`'
const hasShell = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0

let it: TestPlane
let home: CliHome
let shown: { teamId: string; twins: string[] }
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
  shown = { teamId: team.id, twins: twins.map(({ id }) => id).sort() }
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

describe('what is offered', () => {
  test('names of things, and ids where there are none or two things have one', async () => {
    expect((await offers(['teams', 'show', ''])).toSorted()).toEqual([HOSTILE, 'Payments'])
    expect((await offers(['apps', 'show', 'check'])).toSorted()).toEqual([
      'checkout',
      'checkout in production',
    ])
    expect((await offers(['apps', 'show', 'tw'])).toSorted()).toEqual([])
    const all = await offers(['apps', 'show', 'app_'])
    expect(all).toHaveLength(5)
    expect((await offers(['apps', 'show', ''])).filter((one) => all.includes(one)).toSorted()).toEqual(
      shown.twins,
    )
    expect(await offers(['limits', 'show', ''])).toEqual([expect.stringMatching(/^lim_/)])
  })

  test('what a flag takes: names, several of them, of several kinds, and choices in a list', async () => {
    expect(await offers(['apps', 'list', '--team', 'Pay'])).toEqual(['Payments'])
    expect(await offers(['apps', 'list', '--team=Pay'])).toEqual(['Payments'])
    expect(await offers(['alert-channels', 'create', '--team', 'x,Pay'])).toEqual(['x,Payments'])
    expect(await offers(['limits', 'set', 'team:P'])).toEqual(['team:Payments'])
    expect(await offers(['limits', 'create', '--owner', 'Pay'])).toEqual(['Payments'])
    expect(await offers(['settings', 'set', 'keep_au'])).toEqual(['keep_audit_days'])
    expect((await offers(['changes', 'show', ''])).length).toBeGreaterThan(3)
    expect(await offers(['docs', 'budg'])).toEqual(['budgets'])
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

  test('a name that would steer a terminal is not offered', async () => {
    const listed = {
      data: [{ name: 'a\u001b[2J' }, { name: 'plain' }],
      page: { next_cursor: null, has_more: false },
    }
    const evil = createServer((_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(listed))
    })
    await new Promise<void>((done) => evil.listen(0, '127.0.0.1', done))
    const { port } = evil.address() as AddressInfo
    expect(await offers(['teams', 'show', ''], { HEADGATE_URL: `http://127.0.0.1:${port}` })).not.toContain(
      'a\u001b[2J',
    )
    evil.close()
    evil.closeAllConnections()
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

describe.each(['bash', 'zsh'] as const)('in %s', (shell) => {
  const isHere = hasShell(shell) && hasShell('bash') && spawnSync('script', ['--version']).status === 0
  test.skipIf(!isHere)('words, flags and choices are completed', async () => {
    const type = typists[shell]()
    expect(await type('headgate key')).toBe('headgate keys ')
    expect(await type('headgate keys rotate --grace')).toBe('headgate keys rotate --grace-minutes ')
    expect(await type('headgate teams list --output nd')).toBe('headgate teams list --output ndjson ')
    expect(await type('headgate help key')).toBe('headgate help keys ')
  })

  test.skipIf(!isHere)(
    'names with blanks, quotes and colons stand there as the shell wants them',
    async () => {
      const type = typists[shell]()
      expect(await type('headgate teams show Pay')).toBe('headgate teams show Payments ')
      expect(await type('headgate apps show checkout\\ ')).toBe(
        'headgate apps show checkout\\ in\\ production ',
      )
      expect(await type('headgate apps show "checkout ')).toBe('headgate apps show "checkout in production" ')
      expect(await type("headgate apps show O\\'H")).toBe("headgate apps show O\\'Hara:\\ the\\ app ")
      expect(await type('headgate limits set team:Pay')).toBe('headgate limits set team:Payments ')
      expect(await type('headgate apps list --team=Pay')).toBe('headgate apps list --team=Payments ')
    },
  )

  test.skipIf(!isHere)('files stand where files are meant, and a name is never run', async () => {
    const type = typists[shell]()
    expect(await type('headgate routes create --file files/rou')).toBe(
      'headgate routes create --file files/routes\\ one.yaml ',
    )
    expect(await type('headgate teams show \\$')).toBe(
      'headgate teams show \\$\\(touch\\ ran\\)\\ \\`touch\\ ran\\` ',
    )
    expect(spawnSync('ls', [home.path], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('ran')
  })

  test.skipIf(!isHere)('a server that is away leaves the line as it was', async () => {
    const line = 'headgate teams show Pay'
    expect(await typists[shell]()(line, { HEADGATE_URL: 'http://127.0.0.1:9' })).toBe(line)
  })
})

describe('in fish', () => {
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
    expect(await ask('headgate lo')).toEqual(['login', 'logout', 'logs'])
    expect(await ask('headgate logs ')).toEqual(['list', 'tail'])
    expect(await ask('headgate keys rotate --grace')).toEqual(['--grace-minutes'])
    expect(await ask('headgate teams list --output nd')).toEqual(['ndjson'])
    expect(await ask('headgate teams list --output=nd')).toEqual(['--output=ndjson'])
    expect(await ask('headgate apps show check')).toEqual(['checkout', 'checkout in production'])
    expect(await ask("headgate apps show 'checkout ")).toEqual(['checkout in production'])
    expect(await ask('headgate limits set team:Pay')).toEqual(['team:Payments'])
    expect(await ask('headgate apps list --team=Pay')).toEqual(['--team=Payments'])
    expect(await ask('headgate routes create --file files/rou')).toEqual(['files/routes one.yaml'])
    expect(await ask('headgate teams show ')).toEqual([HOSTILE, 'Payments'])
    expect(spawnSync('ls', [home.path], { encoding: 'utf8' }).stdout.split('\n')).not.toContain('ran')
  })

  test.skipIf(!isHere)('a server that is away offers nothing', async () => {
    expect(await ask('headgate teams show Pay', { HEADGATE_URL: 'http://127.0.0.1:9' })).toEqual([])
  })
})
