/**
 * Texts that make tokenizers slow, of any length: unbroken runs, characters of several parts, and text that is in no
 * vocabulary. Always the same.
 */
import { createHash } from 'node:crypto'

const ofCharacters = (characters: readonly string[]) => (length: number) =>
  Array.from({ length }, (_, i) => characters[(i * 7919) % characters.length] as string)
    .join('')
    .slice(0, length)
const repeated = (text: string) => (length: number) =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length)
const range = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => String.fromCodePoint(from + i))

function base64(length: number): string {
  const blocks = Array.from({ length: Math.ceil(length / 40) }, (_, i) =>
    createHash('sha256').update(`${i}`).digest(),
  )
  return Buffer.concat(blocks).toString('base64').slice(0, length)
}

/** By what they are made of; the length is in UTF-16 units. */
export const hostileTexts: Readonly<Record<string, (length: number) => string>> = {
  'one letter': repeated('a'),
  'capital letters': ofCharacters(range(0x41, 26)),
  underscores: repeated('_'),
  spaces: repeated(' '),
  'line ends': repeated('\n'),
  digits: repeated('0123456789'),
  'Chinese without a stop': ofCharacters(range(0x4e00, 5_000)),
  base64: base64,
  'base64 without digits': (length) =>
    base64(length * 2)
      .replace(/[0-9+/]/g, '')
      .slice(0, length),
  'emoji with joiners': repeated('👩‍👩‍👧‍👦'),
  'combining marks': repeated(`e${'\u0301'.repeat(63)}`),
  'marks alone': repeated('\u0301'),
  'Thai without spaces': ofCharacters(range(0x0e01, 46)),
  'rare scripts': ofCharacters(range(0x12000, 400)),
  'control characters': repeated('\u0001\u0002\u0003'),
  'special tokens': repeated('<|endoftext|>'),
  'halves of characters': repeated('\ud83d'),
}
