/**
 * What the programme says and hears: data on standard output, everything else on standard error, so that a pipe holds
 * data alone. Given to commands as a value, and they never touch the process themselves.
 */
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

export type Io = {
  /** Writes data, and waits while whoever reads is slower. */
  out(text: string | Uint8Array): Promise<void>
  /** A line for people. */
  say(line: string): void
  /** Asks a person. Only where `canAsk`. */
  ask(question: string): Promise<string>
  /** All of standard input. */
  readInput(): Promise<string>
  /** Whether data goes to a terminal, and how wide it is. */
  readonly isTerminal: boolean
  readonly columns: number
  readonly canAsk: boolean
  readonly colour: boolean
}

type Streams = {
  readonly stdin: Readable & { isTTY?: boolean }
  readonly stdout: Writable & { isTTY?: boolean; columns?: number }
  readonly stderr: Writable & { isTTY?: boolean }
}

/** @param stop ends questions: whoever is asked may press Ctrl-C */
export function processIo(
  { stdin, stdout, stderr }: Streams,
  { noColour, stop }: { noColour: boolean; stop: AbortSignal },
): Io {
  const isTerminal = stdout.isTTY === true
  return {
    out: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (fault) => (fault ? reject(fault) : resolve()))
      }),
    say: (line) => {
      stderr.write(`${line}\n`)
    },
    ask: async (question) => {
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return (await lines.question(question, { signal: stop })).trim()
      } finally {
        lines.close()
      }
    },
    readInput: async () => {
      const pieces: Buffer[] = []
      for await (const piece of stdin) pieces.push(Buffer.from(piece))
      return Buffer.concat(pieces).toString('utf8')
    },
    isTerminal,
    columns: stdout.columns ?? 100,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    colour: isTerminal && !noColour,
  }
}
