/** The last good catalog survives everything but damage, and damage is noticed. */
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sampleCatalog } from '../contracts/samples.ts'
import { lastGoodCatalog } from './last-good-catalog.ts'

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-shelf-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'data', 'catalog.json')
  const lines: string[] = []
  const shelf = lastGoodCatalog(path, { log: (_level, message) => void lines.push(message) })
  return { path, shelf, lines }
}

test('what was saved is loaded, readable by its owner alone', async () => {
  const { path, shelf } = await open()
  const catalog = sampleCatalog(5, 'Zürich')
  await shelf.save(sampleCatalog(4))
  await shelf.save(catalog)
  expect(await shelf.load()).toEqual(catalog)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(path, '..'))).toEqual(['catalog.json'])
})

test('of saves at the same time the last one stays', async () => {
  const { shelf } = await open()
  await Promise.all([1, 2, 3].map((version) => shelf.save(sampleCatalog(version))))
  expect((await shelf.load())?.version).toBe(3)
})

test('no file is no catalog and no reason to complain', async () => {
  const { shelf, lines } = await open()
  expect(await shelf.load()).toBeNull()
  expect(lines).toEqual([])
})

test('a damaged file is no catalog, and the reason is told', async () => {
  const { path, shelf, lines } = await open()
  await shelf.save(sampleCatalog(5))
  const whole = await readFile(path, 'utf8')
  await truncate(path, 300)
  expect(await shelf.load()).toBeNull()
  await writeFile(path, whole.replace('Platform', 'Platf0rm'))
  expect(await shelf.load()).toBeNull()
  await writeFile(path, '')
  expect(await shelf.load()).toBeNull()
  expect(lines).toHaveLength(3)
  expect(lines[0]).toContain('checksum')
})
