/** An instant as somebody asks for it: with its offset from UTC, and in a year that databases have too. */
import { z } from 'zod'

export const Instant = z.iso
  .datetime({ offset: true })
  .refine((text) => !text.startsWith('0000'), { error: 'there is no year 0000' })
