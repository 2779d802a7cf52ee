/**
 * A kind is one sort of thing in the file: what tells two of it apart, how it is read from the instance and how it is
 * written there. The comparison, the plan and the export walk over the list of kinds and know none of them.
 */
import type { z } from 'zod'
import type { Section } from './shape.ts'

/** A thing by names, with all its fields, as its shape gives it. */
export type Entry = Readonly<Record<string, unknown>>

/** A thing as the admin API lists it. */
export type Thing = Readonly<Record<string, unknown>> & { readonly id?: string }

/** What stands in a body for the id of a thing that is named: how, is the caller's business. */
export type Ref = (section: Section, identity: string) => unknown

/** The entries of what was read before, by id: owners, resources and so on. */
export type Known = (id: unknown) => { readonly section: Section; readonly entry: Entry } | null

export type Kind = {
  readonly section: Section
  /** Its group in the table of operations. */
  readonly word: string
  /** As sentences call it: `app`. */
  readonly called: string
  /** What tells two of a kind apart, as text. */
  identity(entry: Entry): string
  /** As people call it. */
  title(entry: Entry): string
  /** By names; null for what has no place in the file, such as limits of single keys. */
  entryOf(thing: Thing, known: Known): Entry | null
  /** What creates it. */
  bodyOf(entry: Entry, ref: Ref): Record<string, unknown>
  /** What the domain says of such a body. */
  readonly created: z.ZodType
  readonly operations: {
    readonly create: string
    readonly change: string
    readonly remove: string
  }
  /**
   * What may still be changed of one that has come into force; left out where things hold for no time. The rest of it
   * is history: calls may have been billed with it, and it is not removed.
   */
  readonly fieldsInForce?: readonly string[]
  /** Whether a thing is there without anybody's doing, so that it is neither written into a file nor removed. */
  isGiven?(thing: Thing): boolean
}

/** What a kind says of itself, with the type of its entries. */
export type KindPlan<E> = Omit<Kind, 'identity' | 'title' | 'entryOf' | 'bodyOf' | 'operations'> & {
  identity(entry: E): readonly unknown[]
  title(entry: E): string
  entryOf(thing: Thing, known: Known): E | null
  bodyOf(entry: E, ref: Ref): Record<string, unknown>
  readonly operations?: Partial<Kind['operations']>
}
