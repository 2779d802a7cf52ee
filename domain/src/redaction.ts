/**
 * What may be written down. Every text on its way to a log, an error or a record that did not come from us
 * passes here first, because providers repeat fragments of keys in their error texts.
 */

const MASK = '[redacted]'

/** A word may begin after an escaped line end too: bodies are often quoted as JSON within JSON. */
const PATTERNS: readonly RegExp[] = [
  /hg(?:_(?:live|test|demo)_[0-9A-Za-z]{8,}|t_[0-9A-Za-z_-]{8,})/g,
  /(?:\b|(?<=\\[nrt]))(?:(?:sk|rk|pk)-|gh[pos]_|github_pat_|glpat-|xox[abprs]-|whsec_)[A-Za-z0-9_-]{8,}/g,
  /(?:\b|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /(?:\b|(?<=\\[nrt]))Bearer\s+[A-Za-z0-9._~+/-]{8,}=*/gi,
  /(?:(?<![a-z0-9])|(?<=\\[nrt]))(?:api[-_]?key|authorization|password|secret|token)\b(["']?\s*[:=]\s*["']?)[^\s"',;&]{8,}/gi,
]

/** The text with each part that looks like a credential replaced. */
export function replaceSecrets(text: string, replacement: (secret: string) => string): string {
  let clean = text
  for (const pattern of PATTERNS) clean = clean.replace(pattern, (secret) => replacement(secret))
  return clean
}

/** The text with everything that looks like a credential masked, and no longer than `lengthMax` characters. */
export function redact(text: string, lengthMax = 1000): string {
  const clean = replaceSecrets(text.length > lengthMax * 2 ? text.slice(0, lengthMax * 2) : text, () => MASK)
  return clean.length > lengthMax ? `${clean.slice(0, lengthMax)}…` : clean
}
