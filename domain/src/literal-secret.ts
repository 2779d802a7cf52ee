/**
 * A literal secret is a credential itself where a reference belongs. This finds what looks like one: the forms that
 * providers give their keys, and, where asked for, any text too random to be a name.
 */

const FORMS: readonly RegExp[] = [
  /\bhg_(?:live|test|demo)_[0-9A-Za-z]{20,}/g,
  // API tokens of ours, and what webhooks are signed with.
  /\bhgt_[A-Za-z0-9_-]{43}/g,
  /\bwhsec_[A-Za-z0-9+/]{24,}={0,2}/g,
  /\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /\b(?:ghp|gho|ghs|github_pat)_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bAIza[0-9A-Za-z_-]{35}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*/g,
  /\b[a-z][a-z0-9+]*:\/\/[^\s:/@]+:[^\s:/@]+@/g,
  /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/=]{20,}/g,
  /\bsig=[A-Za-z0-9%+/=]{40,}/g,
  /\bhttps:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9/_-]+/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  // Keys of Azure OpenAI: 32 digits of hex, of late 84 letters and digits.
  /(?<![A-Za-z0-9_-])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])(?:[0-9a-f]{32}|[0-9A-F]{32}|[A-Za-z0-9]{84})(?![A-Za-z0-9_-])/g,
  /\bBearer\s+[A-Za-z0-9._~+/-]{20,}=*/g,
]

const LONG_WORD = /[A-Za-z0-9+_=-]{32,}/g
const REFERENCES = /\b(?:env|kv|db|file):\/\/[A-Za-z0-9_./-]+/g
/** References and ids of ours, which are long and random in part. */
const OURS = /\b(?:env|kv|db|file):\/\/[A-Za-z0-9_./-]+|\b(?:[a-z]{2,6}_|found-)[0-9A-Za-z]{26}\b/g
/** Bits a character: hex has at most 4, words and ids have less. */
const BITS_MIN = 4.3

/** Every part of a text that has the form of a credential. The version of a secret in a vault looks like one and is none. */
export function literalSecrets(text: string): string[] {
  const rest = text.includes('://') ? text.replace(REFERENCES, ' ') : text
  return FORMS.flatMap((form) => rest.match(form) ?? [])
}

/** Long words that look random: worth a look by a person, not enough to refuse them. */
export function randomWords(text: string): string[] {
  const words = text.replace(OURS, ' ').match(LONG_WORD) ?? []
  return words.filter((word) => bitsOf(word) >= BITS_MIN && /[0-9]/.test(word))
}

/** Shannon's entropy of the word's own characters. */
function bitsOf(word: string): number {
  const counts = new Map<string, number>()
  for (const letter of word) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length)
  return bits
}
