/**
 * A call tag is a name with a value that a caller writes on a call, in the header `x-headgate-tags: name=value,…`.
 * Routes may ask for tags. They say what a call is for and prove nothing: no right and no limit hangs on them.
 */
import { z } from 'zod'

export const CALL_TAGS_HEADER = 'x-headgate-tags'

const TAGS_MAX = 16
const NAME = /^[a-z][a-z0-9_.-]{0,31}$/
/** Printable ASCII without what parts tags from each other. */
const VALUE = /^[\x21-\x2b\x2d-\x3c\x3e-\x7e]{1,64}$/

export const CallTagName = z.string().regex(NAME, 'a to z, 0 to 9 and _ . -, beginning with a letter')
export const CallTagValue = z.string().regex(VALUE, '1 to 64 printable characters without blank, "," and "="')

export type CallTags = ReadonlyMap<string, string>

/** For the calls that bring none. */
export const noTags: CallTags = new Map()

/**
 * Reads the header.
 * @returns the tags, or one sentence that says what is wrong with it
 */
export function readCallTags(text: string): CallTags | string {
  const tags = new Map<string, string>()
  for (const part of text.split(',')) {
    const pair = part.trim()
    if (pair === '') continue
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, Math.max(0, at)), pair.slice(at + 1)]
    if (!NAME.test(name)) return `a tag is written name=value, with a name of ${CallTagNameText}`
    if (!VALUE.test(value)) return `the value of tag "${name}" must be 1 to 64 printable characters`
    if (tags.has(name)) return `tag "${name}" is there twice`
    if (tags.size === TAGS_MAX) return `at most ${TAGS_MAX} tags`
    tags.set(name, value)
  }
  return tags
}

const CallTagNameText = '1 to 32 characters of a to z, 0 to 9 and _ . -'
