/**
 * Names people give to things: short, printable, one line. Names of aliases and deployments travel in URLs
 * and bodies, so they are stricter than the display names of teams and apps.
 */
import { z } from 'zod'

/** A display name: 1 to 100 characters, no control characters, no blanks at the ends. */
export const DisplayName = z
  .string()
  .min(1, 'give it a name')
  .max(100, 'at most 100 characters')
  .regex(/^[^\p{C}\p{Z}]([^\p{C}]*[^\p{C}\p{Z}])?$/u, 'no control characters, no blanks at the ends')

/** A name that machines write: letters, digits and `. _ : -`, beginning with a letter or digit. */
export const MachineName = z
  .string()
  .max(128, 'at most 128 characters')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]*$/,
    'letters, digits and . _ : - only, beginning with a letter or digit',
  )
