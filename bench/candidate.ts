/**
 * A candidate is something a call can go through: nothing at all (direct), nginx as the yardstick, or the
 * gateway. All are started the same way and loaded with the same bytes, so that only they differ.
 */

export type Started = {
  readonly host: string
  readonly port: number
  /** Where a JSON call goes and where a stream goes: nginx needs another setting for each. */
  readonly path: { readonly json: string; readonly stream: string }
  readonly headers: Readonly<Record<string, string>>
  /** The process whose CPU is counted; null when there is none. */
  readonly pid: number | null
  /** What it is, with its version, for the report's head; empty when there is nothing to say. */
  readonly about: string
  stop(): Promise<void>
}

export type Candidate = {
  readonly name: string
  /**
   * Starts it in front of the mock upstream, with a folder of its own to write in.
   * @throws Error with one sentence that names what is missing and the way to get it
   */
  start(upstreamPort: number, folder: string): Promise<Started>
}

export const CHAT_PATH = '/v1/chat/completions'

/** No gateway: the loader speaks to the mock upstream itself. */
export const direct: Candidate = {
  name: 'direct',
  start: async (upstreamPort) => ({
    host: '127.0.0.1',
    port: upstreamPort,
    path: { json: CHAT_PATH, stream: CHAT_PATH },
    headers: {},
    pid: null,
    about: '',
    stop: async () => undefined,
  }),
}
