/** What a start has done, so that a stop, or a start that fails half-way, undoes it last first. */
export type Undo = (() => Promise<unknown>)[]

/** Undoes everything, the last done first, even where a step fails; gives the faults met. */
export async function undoLast(undo: Undo): Promise<string[]> {
  const faults: string[] = []
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) {
    try {
      await step()
    } catch (fault) {
      faults.push(fault instanceof Error ? fault.message : String(fault))
    }
  }
  return faults
}
