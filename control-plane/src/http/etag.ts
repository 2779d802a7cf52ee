/**
 * ETags: what a representation is called, so that a writer can say which state it has seen. They are made of the
 * content, so every resource has them without a column, and two equal states are one.
 */
import { createHash } from 'node:crypto'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { canonicalJson } from '@headgate/domain/canonical-json'

const TAG = /^(W\/)?"[\x21\x23-\x7e]*"$/

/** The strong ETag of a reply, as it stands on the wire. */
export function etagOf(body: unknown): string {
  const digest = createHash('sha256').update(canonicalJson(body)).digest('base64url')
  return `"${digest.slice(0, 27)}"`
}

/**
 * Whether a list of ETags, or `*`, holds this one. Weak ones match nothing where `strong` is asked for
 * (RFC 9110, 13.1.1).
 * @throws AdminProblem `invalid_request` when the header is not a list of ETags
 */
export function listHolds(header: string, etag: string, name: 'If-Match' | 'If-None-Match'): boolean {
  if (header.trim() === '*') return true
  const tags = header.split(',').map((tag) => tag.trim())
  for (const tag of tags) {
    if (TAG.test(tag)) continue
    throw new AdminProblem('invalid_request', `${name}: expected ETags in double quotes, or *.`, {
      faults: [
        {
          pointer: name,
          code: 'invalid_format',
          message: 'expected ETags in double quotes, or *',
          fix: 'Send the ETag header of your last read, unchanged, quotes included.',
        },
      ],
    })
  }
  return tags.some((tag) => (name === 'If-Match' ? tag : tag.replace(/^W\//, '')) === etag)
}

/** Refuses a change by somebody who does not say what they have seen. */
export function ifMatchNeeded(): AdminProblem {
  return new AdminProblem(
    'precondition_required',
    'Send If-Match with the ETag of what you have read, or *.',
    {
      faults: [
        {
          pointer: 'If-Match',
          code: 'missing',
          message: 'is missing',
          fix: 'Read the thing and send its ETag, so that nobody’s change is lost; or send * to change it whatever it is.',
        },
      ],
    },
  )
}

/** Refuses a condition that nothing can be held against: whoever sent it must not believe that it was heeded. */
export function nothingToCompare(): AdminProblem {
  return new AdminProblem('invalid_request', 'If-Match: there is no state here that it could name.', {
    faults: [
      {
        ...{ pointer: 'If-Match', code: 'not_applicable' },
        message: 'this operation is not done to one thing that can be read',
        fix: 'Leave it out, or send *.',
      },
    ],
  })
}

/** Refuses a change to something that is not what it was. */
export function notAsSeen(etag: string): AdminProblem {
  return new AdminProblem('precondition_failed', `It has changed since: its ETag is now ${etag}.`, {
    etag,
    faults: [
      {
        pointer: 'If-Match',
        code: 'stale',
        message: 'this is not its ETag any more',
        fix: 'Read it again, look at what changed, and send your change with the new ETag.',
      },
    ],
  })
}
