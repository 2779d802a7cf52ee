/**
 * The alarm about a journal that fills up: told once at each change, at 70 % as a warning, at 100 % as an error,
 * since from then on calls are refused.
 */
import type { Log } from '@headgate/domain/ports'

const FILLING_SHARE = 0.7

export class FillAlarm {
  readonly #bytesMax: number
  readonly #log: Log
  #state: 'room' | 'filling' | 'full' = 'room'

  constructor(bytesMax: number, log: Log) {
    this.#bytesMax = bytesMax
    this.#log = log
  }

  /** @param bytes how many there are now */
  tell(bytes: number): void {
    const share = bytes / this.#bytesMax
    const state = share >= 1 ? 'full' : share >= FILLING_SHARE ? 'filling' : 'room'
    if (state === this.#state) return
    this.#state = state
    const fields = { bytes, bytesMax: this.#bytesMax }
    if (state === 'full') this.#log('error', 'THE USAGE JOURNAL IS FULL', fields)
    else if (state === 'filling')
      this.#log('warn', 'the usage journal fills up: records do not reach the control plane', fields)
    else this.#log('info', 'the usage journal has room again', fields)
  }
}
