import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { stopLeftOvers } from '@headgate/adapters/process/claim-folder'
import pg from 'pg'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { makeRunFolder } from '../../../tests/servers/run-folder.ts'
import { copyPrograms, findPackage, programsIn } from './local-binaries.ts'
import { type LocalPostgres, type LocalPostgresPlan, startLocalPostgres } from './local-server.ts'

let folder = ''

beforeEach(async () => {
  // Closed to all but us, like a checkout below a closed home folder.
  const made = await makeRunFolder()
  folder = join(made, 'server')
  // Registered first, so it runs last: after the servers in it have stopped.
  onTestFinished(() => rm(made, { recursive: true, force: true }))
})

/** Stops with the test even when the test fails. */
async function start(plan: Omit<LocalPostgresPlan, 'dataDir'> = {}): Promise<LocalPostgres> {
  const postgres = await startLocalPostgres({ dataDir: folder, ...plan })
  onTestFinished(() => postgres.stop())
  return postgres
}

async function ask(url: string, ...queries: string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const rows: unknown[] = []
    for (const query of queries) rows.push(...(await client.query(query)).rows)
    return rows
  } finally {
    await client.end()
  }
}

test('a second start finds the data again', async () => {
  const first = await start()
  await ask(first.url, 'CREATE TABLE kept (it int)', 'INSERT INTO kept VALUES (7)')
  await first.stop()
  const second = await start()
  expect(await ask(second.url, 'SELECT it FROM kept')).toEqual([{ it: 7 }])
})

test('committed data survives a killed server, and its death is announced', async () => {
  const first = await start()
  await ask(first.url, 'CREATE TABLE kept (it int)', 'INSERT INTO kept VALUES (7)')
  process.kill(first.pid, 'SIGKILL')
  expect(await first.died).toContain('Postgres was ended by SIGKILL')
  await first.stop()
  const second = await start()
  expect(await ask(second.url, 'SELECT it FROM kept')).toEqual([{ it: 7 }])
})

test('a server left over by a killed process is ended, and its data is whole', async () => {
  const child = startInAnotherProcess(folder)
  const leftOver = await firstLine(child)
  await ask(leftOver, 'CREATE TABLE kept (it int)', 'INSERT INTO kept VALUES (7)')
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
  expect(await ask(leftOver, 'SELECT it FROM kept')).toEqual([{ it: 7 }])
  const lines: string[] = []
  const second = await start({ log: (line) => lines.push(line) })
  expect(await ask(second.url, 'SELECT it FROM kept')).toEqual([{ it: 7 }])
  expect(lines).toContain('Ended a Postgres left over from before')
})

test('a process that exits without cleaning up takes its server with it', async () => {
  const child = startInAnotherProcess(folder, 'process.exit(0)')
  const url = await firstLine(child)
  await new Promise((done) => child.once('exit', done))
  await expect.poll(() => ask(url, 'SELECT 1').catch(() => 'gone'), { timeout: 10_000 }).toBe('gone')
  // It refuses connections a little before it is gone; this waits for the rest.
  await stopLeftOvers(join(folder, 'data'), ['postgres'], 'SIGINT')
})

test('a folder in use by a living process is refused by name, and given back when the server stops', async () => {
  const first = await start({ durable: false })
  await expect(start()).rejects.toThrow(`in use by process ${process.pid}`)
  await first.stop()
  await start()
})

test('it listens on loopback only, on no Unix socket, and no one enters without the password', async () => {
  const postgres = await start({ durable: false })
  const settings =
    "current_setting('listen_addresses') AS at, current_setting('unix_socket_directories') AS socket"
  expect(await ask(postgres.url, `SELECT ${settings}, current_setting('fsync') AS fsync`)).toEqual([
    { at: '127.0.0.1', socket: '', fsync: 'off' },
  ])
  const wrong = postgres.url.replace(/:[^:@]+@/, ':wrong@')
  await expect(ask(wrong, 'SELECT 1')).rejects.toThrow('password authentication failed')
  expect((await stat(join(folder, 'server.json'))).mode & 0o777).toBe(0o600)
})

test('a data folder that lost its password is not opened and not thrown away', async () => {
  const first = await start({ durable: false })
  await first.stop()
  await rm(join(folder, 'server.json'))
  await expect(start()).rejects.toThrow('not its password (server.json)')
  expect((await stat(join(folder, 'data', 'PG_VERSION'))).isFile()).toBe(true)
})

test.skipIf(process.getuid?.() !== 0)('under root it runs as nobody', async () => {
  const postgres = await start({ durable: false })
  expect(await readFile(`/proc/${postgres.pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534/m)
})

test('a copy of the programs runs without any install script, and copying twice at once does no harm', async () => {
  const { native } = await findPackage()
  const home = join(folder, 'copy')
  await Promise.all([copyPrograms(native, home), copyPrograms(native, home)])
  const said = spawnSync(programsIn(home).postgres, ['--version'], { encoding: 'utf8' })
  expect(said.stdout).toMatch(/^postgres \(PostgreSQL\) \d+/)
})

/** It ends with us, whatever ends us: then its input ends. */
function startInAnotherProcess(dataDir: string, afterwards = ''): ChildProcess {
  const file = JSON.stringify(join(import.meta.dirname, 'local-server.ts'))
  const script = `
    const { startLocalPostgres } = await import(${file})
    const { url } = await startLocalPostgres({ dataDir: ${JSON.stringify(dataDir)} })
    process.stdout.write(url + '\\n')
    ${afterwards || 'process.stdin.resume().once("end", () => process.exit(0))'}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    child.stdout?.once('data', (bytes) => done(String(bytes).trim()))
    child.once('exit', (code) => fail(new Error(`ended with ${code} before it was ready`)))
  })
}
