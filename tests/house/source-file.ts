/**
 * The files the house rules look at: everything that would be committed, read once. A rule is a function from
 * such a file to sentences about what is wrong with it, so it can be tried on a file that was never written.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import ts from 'typescript'

export type SourceFile = {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Gives one sentence per fault, each beginning with the place. */
export type Rule = (file: SourceFile) => string[]

export const ROOT = dirname(dirname(import.meta.dirname))

const NOT_OURS = new Set(['node_modules', '.git', '.headgate', 'coverage', 'tmp', 'dist', '.nuxt', '.output'])
/** Brought by bootstrap, never committed. */
const BROUGHT = new Set(['tools/redis'])
const READABLE = new Set(
  '.ts .mjs .js .vue .json .jsonc .md .sql .lua .yml .yaml .sh .css .html .txt .toml .bicep .tf'.split(' '),
)

/** Every file of the checkout that people wrote or commit. */
export function allFiles(root: string = ROOT): SourceFile[] {
  const walk = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (NOT_OURS.has(entry.name) || BROUGHT.has(relative(root, path))) return []
      if (entry.isDirectory()) return walk(path)
      return entry.isFile() && isText(entry.name) ? [path] : []
    })
  return walk(root)
    .sort()
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
}

/** Files without an ending are scripts and lists: `.ci/run`, `LICENSE`, `.gitignore`. */
function isText(name: string): boolean {
  return extname(name) === '' ? !name.endsWith('.log') : READABLE.has(extname(name))
}

/** Program text, as against documents and data. */
export function isCode({ path }: SourceFile): boolean {
  return /\.(ts|mjs|js|vue)$/.test(path)
}

export function isTest({ path }: SourceFile): boolean {
  return /\.test\.ts$/.test(path)
}

/** Runs in the product: not a test, not a script, not a bench. */
export function isProduct(file: SourceFile): boolean {
  return /^[^/]+\/src\/.*\.ts$/.test(file.path) && !isTest(file)
}

/** Tells generated files apart: nobody reads them from top to bottom, so they may be long. */
export function isGenerated({ path }: SourceFile): boolean {
  return basename(path) === 'package-lock.json' || path.startsWith('docs/reference/')
}

export function parse({ path, text }: SourceFile): ts.SourceFile {
  const kind = path.endsWith('.ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind)
}

/** Calls `visit` for the node and everything below it. */
export function walkTree(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild((child) => walkTree(child, visit))
}

/** "path:line", as editors and terminals understand it. */
export function placeOf(file: SourceFile, tree: ts.SourceFile, node: ts.Node): string {
  return `${file.path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`
}
