/**
 * What lies between gateways and the store. Messages of one gateway arrive in their order, a few milliseconds
 * later; with faults they are lost, come twice, late or in another order. A gateway may be cut off for a while.
 */
import type { Verdict } from '@headgate/domain/reservation'
import type { Operation } from './operation.ts'
import type { Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'
import type { SharedStore } from './shared-store.ts'

type Means = {
  readonly plan: Plan
  readonly random: Random
  readonly schedule: Schedule
  readonly store: SharedStore
}

export type Message = {
  readonly from: number
  readonly operation: Operation
  readonly answer: (verdict: Verdict | null) => void
  /** The time to judge at, given the store's: that one, unless a bug is planted. */
  readonly judgedAtMs: (storeNowMs: number) => number
}

const LOST = 0.15
const REPEATED = 0.2
const LATE = 0.2
const VERY_LATE = 0.1

export class Network {
  readonly #means: Means
  readonly #lastArrivalMs = new Map<number, number>()
  readonly #cutOffUntilMs = new Map<number, number>()

  constructor(means: Means) {
    this.#means = means
  }

  cutOff(gateway: number, forMs: number): void {
    this.#cutOffUntilMs.set(gateway, this.#means.schedule.nowMs + forMs)
  }

  send(message: Message): void {
    this.#carry(message)
    const { plan, random } = this.#means
    // Nobody sends a reservation again but a gateway that asks twice: a client that did would break the ledger.
    const mayRepeat = plan.faults.has('repeatsMessages') && message.operation.op !== 'reserve'
    if (mayRepeat && random.chance(REPEATED)) this.#carry(message)
  }

  #carry({ from, operation, answer, judgedAtMs }: Message): void {
    const { schedule, store, plan } = this.#means
    if (this.#isLost(from)) return
    const earliestMs = schedule.nowMs + this.#delayMs()
    const lastMs = this.#lastArrivalMs.get(from) ?? 0
    const arrivesAtMs = plan.faults.has('reordersMessages') ? earliestMs : Math.max(earliestMs, lastMs)
    this.#lastArrivalMs.set(from, arrivesAtMs)
    schedule.at(arrivesAtMs, () =>
      store.ask(
        operation,
        (verdict) => {
          if (!this.#isLost(from)) schedule.after(this.#delayMs(), () => answer(verdict))
        },
        judgedAtMs,
      ),
    )
  }

  #isLost(gateway: number): boolean {
    const { plan, random, schedule } = this.#means
    if (schedule.nowMs < (this.#cutOffUntilMs.get(gateway) ?? 0)) return true
    return plan.faults.has('losesMessages') && random.chance(LOST)
  }

  #delayMs(): number {
    const { plan, random } = this.#means
    if (!plan.faults.has('delaysMessages')) return random.between(1, 3)
    // One late message holds up those behind it, and no lease may run out for that; where all go their own way
    // it may come after the next renewal.
    if (random.chance(VERY_LATE))
      return random.between(1, plan.faults.has('reordersMessages') ? 40_000 : 10_000)
    return random.between(1, random.chance(LATE) ? 400 : 3)
  }
}
