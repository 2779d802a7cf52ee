/**
 * A client tag is whom a caller says it makes a call for: a customer of the app, a department, a batch. Callers make
 * tags up, so they are short, and rollups tell only so many apart for a team and a day; records keep every one.
 */
import { z } from 'zod'

export const ClientTag = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/,
    '1 to 64 letters, digits and . _ : - only, beginning with a letter or digit',
  )

/** How many tags of a team are told apart in the rollups of a day (UTC). */
export const TAGS_PER_DAY_MAX = 200

/** In rollups, all tags of a team beyond those together. No caller can write it. */
export const OTHER_TAGS = '(other)'
