/** A reply on its way out: a status, headers as a flat list, and a body that is whole or still coming. */

export interface ReplySink {
  /** Takes bytes; false means: wait for `resume`. */
  write(chunk: Buffer): boolean
  /** The body is whole. */
  end(): void
  /** The body is not whole and never will be: after these bytes the connection breaks, so that nobody takes it for whole. */
  breakOff(lastBytes: Buffer): void
}

export interface ReplySource {
  /** The head is out; bytes may follow now. */
  start(sink: ReplySink): void
  /** The sink takes bytes again. */
  resume(): void
}

export type Reply = {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer | ReplySource
}
