/**
 * The tool choice: which function the answer calls, if it must call one. The fake never calls a tool of its own
 * will (`auto`), only when `tool_choice` is `required` or names a function.
 */
import { type Body, isObject, readList } from './parameters.ts'
import { invalid } from './refusal.ts'
import { sampleJson } from './sample-json.ts'

export type ToolCall = { name: string; arguments: string; named: boolean }

/**
 * The call the answer makes, or null for a text answer. Reads both forms of a function: nested below `function`
 * (chat) and flat (responses). Throws Refused when a choice is given without tools or names an unknown one.
 */
export function chooseTool(body: Body): ToolCall | null {
  const tools = (readList(body, 'tools') ?? []).map(describeFunction).filter((tool) => tool !== null)
  const choice = body['tool_choice'] ?? 'auto'
  if (choice === 'auto' || choice === 'none') return null
  if (tools.length === 0) {
    throw invalid("'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice')
  }
  const wanted = isObject(choice) ? describeFunction(choice)?.name : undefined
  const tool = wanted === undefined ? tools[0] : tools.find((candidate) => candidate.name === wanted)
  if (tool === undefined) {
    throw invalid(`Tool choice '${wanted}' not found in 'tools' parameter.`, 'tool_choice')
  }
  return {
    name: tool.name,
    arguments: JSON.stringify(sampleJson(tool.parameters)),
    named: wanted !== undefined,
  }
}

function describeFunction(tool: unknown): { name: string; parameters: unknown } | null {
  if (!isObject(tool)) return null
  const described = isObject(tool['function']) ? tool['function'] : tool
  const name = described['name']
  return typeof name === 'string' ? { name, parameters: described['parameters'] } : null
}
