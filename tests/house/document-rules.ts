/**
 * What documents must hold to: every link within the repository leads somewhere, heading included. Written
 * for the way hosts of repositories make anchors of headings.
 */
import { dirname, join } from 'node:path'
import type { Rule, SourceFile } from './source-file.ts'

/** A link or a picture: its target up to a blank or the closing bracket. */
const LINK = /\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g
const ELSEWHERE = /^[a-z][a-z0-9+.-]*:/i

/** A rule on the links of a document, given everything that is there to be linked to. */
export function linksLeadSomewhere(files: readonly SourceFile[]): Rule {
  const anchors = new Map(files.filter(isDocument).map((file) => [file.path, anchorsOf(file.text)]))
  const places = new Set(files.flatMap(({ path }) => [path, ...foldersOf(path)]))
  return (file) => {
    if (!isDocument(file)) return []
    const faults: string[] = []
    for (const { target, line } of linksOf(file.text)) {
      const [path = '', anchor = ''] = target.split('#')
      const place = path === '' ? file.path : join(dirname(file.path), decodeURI(path)).replace(/\/$/, '')
      if (!places.has(place)) faults.push(`${file.path}:${line} links to ${target}, which is not there`)
      else if (anchor !== '' && anchors.get(place)?.has(anchor) === false)
        faults.push(`${file.path}:${line} links to #${anchor}, a heading that ${place} does not have`)
    }
    return faults
  }
}

function isDocument({ path }: SourceFile): boolean {
  return path.endsWith('.md')
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function linksOf(text: string): { target: string; line: number }[] {
  return prose(text).flatMap((line, index) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(LINK)]
      .map(([, target = '']) => ({ target, line: index + 1 }))
      .filter(({ target }) => !ELSEWHERE.test(target)),
  )
}

/** Headings that are the same get a number, as hosts do it. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  for (const line of prose(text)) {
    const heading = /^#{1,6} +(.*?)\s*#*$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = slugOf(heading)
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}

/** The lines with those inside fences made empty, so that line numbers stay. */
function prose(text: string): string[] {
  let fence: string | null = null
  return text.split('\n').map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? null
    if (fence === null && mark === null) return line
    if (fence === null) fence = mark
    else if (mark?.startsWith(fence)) fence = null
    return ''
  })
}
