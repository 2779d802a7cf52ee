/**
 * One simulation, the whole of it a function of its seed: up to five gateways, a store and a network with some
 * faults, checked after every operation and once more when all leases have run out. The same seed is the same
 * simulation, so a failure is looked at again by its number.
 */
import { LEASE_MS, LedgerBook } from '@headgate/domain/ledger'
import { BillCheck } from './bill-check.ts'
import { Gateway } from './gateway.ts'
import { goodHabits, type Habits } from './habits.ts'
import { LedgerModel } from './ledger-model.ts'
import { Network } from './network.ts'
import { Finding, type NewBook, promiseSame } from './operation.ts'
import { type Fault, type Plan, planOf } from './plan.ts'
import { Provider } from './provider.ts'
import { type Random, randomFrom } from './random.ts'
import { Schedule } from './schedule.ts'
import { SharedStore } from './shared-store.ts'

const TOLD_EACH_MS = 20_000

/** What a simulation is made of; a planted bug is another one of these. */
export type Parts = { readonly newBook: NewBook; readonly habits: Habits }
export const goodParts: Parts = { newBook: () => new LedgerBook(), habits: goodHabits }

/** What happened, so that tests can tell that something did. */
type Tally = { operations: number; admitted: number; refused: number; endedByLease: number }

export type Outcome = Readonly<Tally> & {
  /** The first promise that was broken, with the seed and its faults; null when all were kept. */
  readonly finding: string | null
  readonly faults: ReadonlySet<Fault>
}

export function simulate(seed: number, parts: Parts = goodParts): Outcome {
  const random = randomFrom(seed)
  const plan = planOf(seed, random)
  const { faults } = plan
  const tally = { operations: 0, admitted: 0, refused: 0, endedByLease: 0 }
  try {
    run(plan, random, parts, tally)
    return { finding: null, faults, ...tally }
  } catch (fault) {
    if (!(fault instanceof Finding)) throw fault
    const names = [...faults].join(', ') || 'no faults'
    return { finding: `seed ${seed} (${names}): ${fault.message}`, faults, ...tally }
  }
}

/** @throws Finding */
function run(plan: Plan, random: Random, parts: Parts, tally: Tally): void {
  const schedule = new Schedule()
  const provider = new Provider()
  let model = new LedgerModel(plan.pools)
  const bills = new BillCheck({ plan, provider, model: () => model, nowMs: () => schedule.nowMs })
  const store = new SharedStore(schedule, parts.newBook, {
    applied: (done, book) => {
      tally.operations += 1
      if (done.verdict?.admitted === true) tally.admitted += 1
      if (done.verdict?.admitted === false) tally.refused += 1
      model.apply(done, book)
      bills.applied(done)
    },
    lostWrites: (left) => {
      model = new LedgerModel(plan.pools)
      for (const done of left) model.apply(done, null)
      bills.lostWrites()
    },
  })
  const network = new Network({ plan, random, schedule, store })
  const means = { plan, random, schedule, network, provider, habits: parts.habits }
  const gateways = Array.from({ length: plan.gateways }, (_, number) => new Gateway({ ...means, number }))
  for (const call of plan.calls) schedule.at(call.atMs, () => gateways[call.gateway]!.arrive(call))
  // What a job does: a store that has forgotten is told that it may count again.
  for (let atMs = 0; atMs < plan.quietAtMs; atMs += TOLD_EACH_MS)
    schedule.at(atMs, () => store.ask({ op: 'begin' }, () => {}))
  planFaults({ plan, random, schedule, store, network, gateways })
  // Long enough for the last ends to be sent again, and for the last leases to run out.
  schedule.at(plan.quietAtMs + 2 * LEASE_MS, () => {
    store.ask({ op: 'reap' }, () => {})
    promiseSame(store.book.openCount, 0, 'reservations without an end')
    for (const pool of plan.pools)
      promiseSame(store.book.heldOf(pool), 0, `held of ${pool.bucket} in the end`)
    model.compare([...model.pools.keys()], store.nowMs, store.book)
    bills.checkWhole()
    tally.endedByLease = model.endings.filter((it) => it.by === 'lease').length
  })
  schedule.run()
}

type Faulty = {
  readonly plan: Plan
  readonly random: Random
  readonly schedule: Schedule
  readonly store: SharedStore
  readonly network: Network
  readonly gateways: readonly Gateway[]
}

/** What befalls the store and the ways to it, all of it before the last calls end. */
function planFaults({ plan, random, schedule, store, network, gateways }: Faulty): void {
  const sometimes = (most: number, work: () => void) => {
    for (let i = random.between(1, most); i > 0; i--) schedule.at(random.between(1, 190_000), work)
  }
  const { faults } = plan
  if (faults.has('freezes')) sometimes(3, () => store.freeze(random.between(10, 15_000)))
  if (faults.has('losesWrites')) sometimes(2, () => store.loseWrites(random.between(1, 40)))
  if (faults.has('flushes')) sometimes(1, () => store.flush())
  if (faults.has('storeClockJumps')) sometimes(2, () => store.jumpAhead(random.between(1, 90_000)))
  if (faults.has('crashes')) sometimes(3, () => random.pick(gateways).crash())
  if (faults.has('cutsOff'))
    sometimes(2, () => network.cutOff(random.between(0, plan.gateways - 1), random.between(100, 90_000)))
}
