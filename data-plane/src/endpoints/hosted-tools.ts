/**
 * What hosted tools used that a provider does not count in `tool_usage`: searches of files, and containers that code
 * ran in. Each is an item of a response's `output`. A container that several responses share is counted for each of
 * them, since none says who began it.
 */
const FILE_SEARCH = Buffer.from('"file_search_call"')
const CODE = Buffer.from('"code_interpreter_call"')

export type ToolCalls = { readonly fileSearches: number; readonly codeContainers: number }

/** Whether an answer may hold such items: a quoted name of one stands in no text, whose quotes are escaped. */
export function mayHoldToolCalls(reply: Buffer): boolean {
  return reply.includes(FILE_SEARCH) || reply.includes(CODE)
}

/** @param output of a response; what is no item of ours counts nothing */
export function toolCallsOf(output: unknown): ToolCalls {
  let fileSearches = 0
  const containers = new Set<unknown>()
  for (const item of Array.isArray(output) ? (output as unknown[]) : []) {
    if (typeof item !== 'object' || item === null || !('type' in item)) continue
    if (item.type === 'file_search_call') fileSearches += 1
    if (item.type === 'code_interpreter_call')
      containers.add('container_id' in item ? item.container_id : item)
  }
  return { fileSearches, codeContainers: containers.size }
}
