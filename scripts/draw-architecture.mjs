/**
 * Draws who imports whom, as dependency-cruiser finds it, into ARCHITECTURE.md between two marks: packages,
 * and within the planes their folders. `--check` only says whether the drawing there is fresh; `--print`
 * prints it. The tool's own drawing shows every file; at this height it would hide the walls.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SOURCES } from './checks.mjs'
import { ask, Sorry } from './run-child.mjs'

const BEGIN = '<!-- drawing:begin, made by scripts/draw-architecture.mjs -->'
const END = '<!-- drawing:end -->'
const PLANES = ['data-plane', 'control-plane']
const COMPOSITION = /\/(main|local-server|local-binaries)[.]ts$/
const root = dirname(import.meta.dirname)

try {
  process.exitCode = main(process.argv[2])
} catch (fault) {
  if (!(fault instanceof Sorry)) throw fault
  console.error(fault.message)
  process.exitCode = 1
}

function main(mode) {
  const drawing = draw()
  if (mode === '--print') {
    console.log(drawing)
    return 0
  }
  const path = join(root, 'ARCHITECTURE.md')
  if (!existsSync(path)) throw new Sorry('There is no ARCHITECTURE.md to draw into.')
  const before = readFileSync(path, 'utf8')
  const [head, rest] = before.split(BEGIN)
  const tail = rest?.split(END)[1]
  if (tail === undefined) throw new Sorry(`ARCHITECTURE.md lacks the marks ${BEGIN} and ${END}.`)
  const after = `${head}${BEGIN}\n\n${drawing}\n\n${END}${tail}`
  if (mode !== '--check') writeFileSync(path, after)
  if (mode !== '--check' || after === before) return 0
  console.error('The drawing in ARCHITECTURE.md is stale: run node scripts/draw-architecture.mjs')
  return 1
}

/** A dotted arrow is drawn by composition alone (main.ts and the servers it starts), a full one by working code. */
function draw() {
  const arrows = new Map()
  const folders = new Map(SOURCES.map((name) => [name, new Set()]))
  for (const { source, dependencies } of cruise()) {
    const from = placeOf(source)
    if (from.folder) folders.get(from.name).add(from.folder)
    for (const { resolved } of dependencies) {
      const to = placeOf(resolved)
      const ends = from.name === to.name ? [idOf(from), idOf(to)] : [idOf(from.name), idOf(to.name)]
      if (ends[0] === ends[1]) continue
      const key = ends.join(' ')
      arrows.set(key, { ends, full: arrows.get(key)?.full || !COMPOSITION.test(source) })
    }
  }
  const boxes = [...folders].flatMap(([name, inside]) => boxOf(name, [...inside].sort()))
  const lines = [...arrows.values()].map(({ ends, full }) => `  ${ends.join(full ? ' --> ' : ' -.-> ')}`)
  return ['```mermaid', 'flowchart TD', ...boxes, ...lines.sort(), '```'].join('\n')
}

/** All product modules and what they import of ours, tests left out. */
function cruise() {
  const ours = `^(${SOURCES.join('|')})/src/`
  const done = ask(
    process.execPath,
    [
      join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      ...['--config', 'dependency-rules.mjs', '--output-type', 'json'],
      ...['--exclude', '[.]test[.]ts$|/contracts/', '--include-only', ours],
      ...SOURCES.filter((name) => existsSync(join(root, name))),
    ],
    { cwd: root },
  )
  // Broken rules make a failing exit code; the drawing shows them all the more.
  if (!done.out.startsWith('{')) throw new Sorry(`dependency-cruiser failed: ${done.out}`)
  return JSON.parse(done.out.slice(0, done.out.lastIndexOf('}') + 1)).modules
}

/** A file's package and, in the planes, its folder; the files beside the folders put the plane together. */
function placeOf(path) {
  const [name, , folder, ...rest] = path.split('/')
  if (!PLANES.includes(name)) return { name, folder: null }
  return { name, folder: rest.length === 0 ? 'start' : folder }
}

/** Mermaid takes letters and underscores in names without ado; the label carries the real one. */
function idOf(place) {
  const name = typeof place === 'string' ? place : `${place.name}/${place.folder}`
  return name.replaceAll(/[^a-z]/g, '_')
}

function boxOf(name, folders) {
  if (folders.length === 0) return [`  ${idOf(name)}["${name}"]`]
  return [
    `  subgraph ${idOf(name)}["${name}"]`,
    ...folders.map((folder) => `    ${idOf({ name, folder })}["${folder}"]`),
    '  end',
  ]
}
