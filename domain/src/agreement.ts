/**
 * An agreement is what was negotiated for one resource or one deployment, from a date on: a multiplier on the
 * prices there, or reserved capacity, which is paid by the hour so that a single call costs nothing more.
 */
import { z } from 'zod'
import { DeploymentId } from './deployment.ts'
import { idOf } from './id.ts'
import { Currency } from './price.ts'
import { ResourceId } from './resource.ts'

const Instant = z.iso.datetime({ offset: true })

export const Agreement = z.object({
  id: idOf('agr'),
  /** One of the two is named; that of a deployment goes before that of its resource. */
  resourceId: ResourceId.nullable(),
  deploymentId: DeploymentId.nullable(),
  /** 850 000 is 15 % off, 1 100 000 is 10 % on top. Null for reserved capacity. */
  multiplierMillionths: z.int().min(1).max(100_000_000).nullable(),
  /** What the reserved capacity costs, used or not. Null for a multiplier. */
  reservedNanosPerHour: z.int().min(0).max(1_000_000_000_000_000).nullable(),
  /** Of the reserved capacity. Null for a multiplier, which keeps the currency of the price. */
  currency: Currency.nullable(),
  effectiveFrom: Instant,
  /** From here on it holds no more; null: until a later one begins. */
  effectiveTo: Instant.nullable(),
  note: z.string().max(200).nullable(),
  createdAt: Instant,
})
export type Agreement = z.infer<typeof Agreement>

export const NewAgreement = Agreement.omit({ id: true, createdAt: true })
  .extend({
    resourceId: ResourceId.nullable().default(null),
    deploymentId: DeploymentId.nullable().default(null),
    multiplierMillionths: Agreement.shape.multiplierMillionths.default(null),
    reservedNanosPerHour: Agreement.shape.reservedNanosPerHour.default(null),
    currency: Currency.nullable().default(null),
    effectiveTo: Instant.nullable().default(null),
    note: Agreement.shape.note.default(null),
  })
  .strict()
  .refine((it) => (it.resourceId === null) !== (it.deploymentId === null), {
    path: ['resourceId'],
    error: 'name either a resource or a deployment',
  })
  .refine((it) => (it.multiplierMillionths === null) !== (it.reservedNanosPerHour === null), {
    path: ['multiplierMillionths'],
    error: 'agree either on a multiplier or on reserved capacity',
  })
  .refine((it) => (it.reservedNanosPerHour === null) === (it.currency === null), {
    path: ['currency'],
    error: 'needed for reserved capacity, refused with a multiplier',
  })
  .refine((it) => it.effectiveTo === null || Date.parse(it.effectiveTo) > Date.parse(it.effectiveFrom), {
    path: ['effectiveTo'],
    error: 'not after effective_from',
  })
export type NewAgreement = z.infer<typeof NewAgreement>

/** Until it comes into force everything may be changed; from then on its end, and the note. */
export const AgreementChange = Agreement.omit({ id: true, createdAt: true }).partial().strict()
export type AgreementChange = z.infer<typeof AgreementChange>
