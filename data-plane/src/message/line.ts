/**
 * A line is where a request comes in and its reply goes out: one request on one connection of a caller. What is
 * behind it, Node's server or our own front, makes no difference to the rest of the door.
 */

/** The head of a request as it was written. */
export type WrittenHead = {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly httpVersion: string
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[]
}

export interface Line {
  /** The whole request has been read, so the connection can carry another one. */
  readonly complete: boolean
  /** Nobody is there any more to write to. */
  readonly destroyed: boolean
  readonly headSent: boolean
  /** What was written has not left yet: whoever writes more should wait for `onDrain`. */
  readonly full: boolean
  /**
   * The body, whole. One whose length the head told has been judged by it already.
   * @throws GatewayError `body_too_large`, `client_closed`, `invalid_request` and `request_timeout` for a broken one
   */
  readBody(bytesMax: number): Promise<Buffer>
  /** Writes a reply whole. @param headers names and values in turn, without a length */
  writeWhole(status: number, headers: readonly string[], body: Buffer): void
  /** Writes the head of a reply whose body comes in pieces. @param onDrain called when the line takes bytes again */
  writeHead(status: number, headers: readonly string[], onDrain: () => void): void
  /** Writes a piece of the body. @param left called when it has left */
  write(bytes: Buffer, left?: () => void): void
  /** The body is whole. */
  end(): void
  /** The reply is the last one on this connection. */
  closeAfter(): void
  /** Breaks the connection. */
  destroy(): void
  /** Called once, when the reply has left whole or the caller has gone. */
  onOver(over: (whole: boolean) => void): void
}
