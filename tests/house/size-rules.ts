/**
 * How long things may be. A page that cannot be taken in at once is two pages; a function that does not fit a
 * screen does two things.
 */
import ts from 'typescript'
import { isCode, isGenerated, parse, placeOf, type Rule, walkTree } from './source-file.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70

/** SQL and Lua run top to bottom and gain nothing by being cut; documents and data are not code. */
export const fileIsShort: Rule = (file) => {
  if (!isCode(file) || isGenerated(file)) return []
  const lines = file.text.trimEnd().split('\n').length
  return lines > FILE_LINES_MAX
    ? [
        `${file.path} has ${lines} lines, at most ${FILE_LINES_MAX} are allowed: it holds two words, part them`,
      ]
    : []
}

export const functionsAreShort: Rule = (file) => {
  if (!isCode(file) || file.path.endsWith('.vue')) return []
  const tree = parse(file)
  const faults: string[] = []
  walkTree(tree, (node) => {
    if (!isFunction(node) || isGroupOfTests(node)) return
    const lines = lineOf(tree, node.getEnd()) - lineOf(tree, node.getStart(tree)) + 1
    if (lines > FUNCTION_LINES_MAX)
      faults.push(
        `${placeOf(file, tree, node)} a function of ${lines} lines, at most ${FUNCTION_LINES_MAX} are allowed`,
      )
  })
  return faults
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined
}

/** A function made of tests (what `describe` is given, a contract suite) is a chapter: its tests are measured. */
function isGroupOfTests(node: ts.FunctionLikeDeclaration): boolean {
  if (node.body === undefined || !ts.isBlock(node.body)) return false
  return node.body.statements.some(
    (statement) =>
      ts.isExpressionStatement(statement) &&
      ts.isCallExpression(statement.expression) &&
      /^(test|describe)\b/.test(statement.expression.expression.getText()),
  )
}

function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line
}
