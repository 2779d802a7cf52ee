/** The nearest of some words to a word that is none of them, for "did you mean". */

/** How many letters must be added, taken away, changed or swapped with their neighbour to make one of the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const changed = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const best = Math.min(changed, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(isSwap ? Math.min(best, (beforeLast[column - 2] ?? 0) + 1) : best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

/** The nearest word, or null when none is near enough to have been meant. */
export function nearest(word: string, words: readonly string[]): string | null {
  const ranked = words
    .map((it) => ({ it, distance: editDistance(word, it) }))
    .sort((a, b) => a.distance - b.distance || (a.it < b.it ? -1 : 1))
  const [best] = ranked
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3))) return best.it
  return words.find((it) => word.length >= 3 && it.startsWith(word)) ?? null
}

/** ` Did you mean …?`, or nothing. */
export function didYouMean(word: string, words: readonly string[], prefix = ''): string {
  const found = nearest(word, words)
  return found === null ? '' : ` Did you mean "${prefix}${found}"?`
}
