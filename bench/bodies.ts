/**
 * The request bodies of a bench: ordinary chat completions of a stated size. The model is an alias of the
 * gateway's catalog, and a stream says in `user` how fast the mock upstream should send it.
 */

/** The alias every call asks for. */
export const BENCH_MODEL = 'bench-chat'

const FILLER = 'The quick brown fox jumps over the lazy dog and says \\"nothing\\" of it. '

/** A JSON body of exactly `bytes` bytes (at least 200). `directives` go to the mock upstream. */
export function chatBody(it: { bytes: number; stream: boolean; directives?: string }): string {
  const before =
    `{"model":"${BENCH_MODEL}",${it.stream ? '"stream":true,' : ''}` +
    `"user":"${it.directives === undefined ? 'bench' : `mock:${it.directives}`}",` +
    '"messages":[{"role":"user","content":"'
  const after = '"}],"temperature":0.5}'
  const room = it.bytes - before.length - after.length
  // A cut through an escape would not be JSON, so the last stretch is plain.
  const whole = FILLER.repeat(Math.floor(room / FILLER.length))
  return `${before}${whole}${'z'.repeat(room - whole.length)}${after}`
}
