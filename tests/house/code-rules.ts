/**
 * What code must not do anywhere in the house, found in its syntax tree, so that a comment or a string that
 * speaks of such a thing is no fault.
 */
import { basename } from 'node:path'
import ts from 'typescript'
import { isCode, isProduct, parse, placeOf, type Rule, type SourceFile, walkTree } from './source-file.ts'

/** A rule on the nodes of a file's syntax tree. */
function nodeRule(applies: (file: SourceFile) => boolean, judge: (node: ts.Node) => string | null): Rule {
  return (file) => {
    if (!applies(file) || file.path.endsWith('.vue')) return []
    const tree = parse(file)
    const faults: string[] = []
    walkTree(tree, (node) => {
      const fault = judge(node)
      if (fault !== null) faults.push(`${placeOf(file, tree, node)} ${fault}`)
    })
    return faults
  }
}

/** One reader per process, so that all settings have one schema and all faults are reported together. */
export const environmentIsReadInConfig = nodeRule(
  (file) =>
    isCode(file) && basename(file.path) !== 'config.ts' && !/^(scripts|tests\/servers)\//.test(file.path),
  (node) => {
    const isRead =
      (ts.isPropertyAccessExpression(node) && node.name.text === 'env') ||
      (ts.isElementAccessExpression(node) && /^['"`]env['"`]$/.test(node.argumentExpression.getText()))
    if (isRead && /^(process|globalThis\.process|import\.meta)$/.test(node.expression.getText()))
      return 'reads the environment: only config.ts does, and hands on what it read'
    const isImport =
      ts.isImportDeclaration(node) && /^['"](node:)?process['"]$/.test(node.moduleSpecifier.getText())
    return isImport ? 'imports process: use the global one, and its environment in config.ts alone' : null
  },
)

/** A re-export hides where a thing lives, and drags the whole folder along. */
export const nothingIsReExported = nodeRule(isCode, (node) =>
  ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined
    ? 're-exports another file: import that one where it is needed'
    : null,
)

/** A thing has one name, the same wherever it is used. Tools that want a default export get one at the root. */
export const nothingIsExportedByDefault = nodeRule(isProduct, (node) => {
  const isDefault =
    ts.isExportAssignment(node) ||
    (ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true)
  return isDefault ? 'exports by default: give it a name' : null
})

/** State at the top of a module is shared by all that import it, and by all tests. */
export const modulesHaveNoState = nodeRule(isProduct, (node) => {
  const isVariable =
    ts.isVariableStatement(node) &&
    ts.isSourceFile(node.parent) &&
    (node.declarationList.flags & ts.NodeFlags.Const) === 0
  return isVariable ? 'keeps state in a module: keep it in a value that someone makes and passes on' : null
})

/** Classes may extend what comes from outside; our own make no families. */
export const classesHaveNoFamilies = nodeRule(isProduct, (node) =>
  ts.isClassDeclaration(node) && node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword)
    ? 'declares an abstract class: pass a function or a value instead'
    : null,
)

const RUNS_STATEMENTS = new Set(['query', 'execute', 'raw', 'eval', 'unsafe', 'scriptLoad'])

/** A statement put together from strings is one forgotten quote away from another statement. */
export const statementsAreNotBuilt = nodeRule(isProduct, (node) => {
  if (!ts.isCallExpression(node)) return null
  const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression
  const [statement] = node.arguments
  if (!RUNS_STATEMENTS.has(called.getText()) || statement === undefined) return null
  const isBuilt =
    ts.isTemplateExpression(statement) ||
    (ts.isBinaryExpression(statement) && !isPlainText(statement)) ||
    (ts.isCallExpression(statement) &&
      /\.(join|concat|replace|replaceAll)$/.test(statement.expression.getText()))
  return isBuilt ? 'runs a statement built from strings: write it whole and pass the values beside it' : null
})

/** A long text broken over lines is still a plain text. */
function isPlainText(node: ts.Node): boolean {
  if (ts.isBinaryExpression(node)) return isPlainText(node.left) && isPlainText(node.right)
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
}
