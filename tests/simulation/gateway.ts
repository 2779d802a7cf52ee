/**
 * A gateway as the store sees it: it reserves, renews, settles, gives back what got no verdict, and sends again
 * what got no answer. It may crash before or after each message, and forgets everything then. It does what
 * `adapters/src/redis` does, without batches.
 */
import { LEASE_MS } from '@headgate/domain/ledger'
import { type Ask, type Claim, type Used, unsent, type Verdict } from '@headgate/domain/reservation'
import type { Habits } from './habits.ts'
import type { Network } from './network.ts'
import type { Operation } from './operation.ts'
import { type Call, NANOS_PER_TOKEN, type Plan } from './plan.ts'
import type { Provider } from './provider.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'

export type GatewayMeans = {
  readonly number: number
  readonly plan: Plan
  readonly random: Random
  readonly schedule: Schedule
  readonly network: Network
  readonly provider: Provider
  readonly habits: Habits
}

const DEADLINE_MS = 50
const ASK_AGAIN_MS = 25
const SEND_AGAIN_MS = 1_000
const TICK_MS = 5_000
const RENEW_AFTER_MS = LEASE_MS / 3
const TICKS_PER_REAP = 3
const CRASH_AT_A_STEP = 0.004
const CRASH = new Error('a simulated crash')

type Held = { readonly ask: Ask; readonly call: Call; renewedAtMs: number }

export class Gateway {
  readonly #means: GatewayMeans
  readonly #held = new Map<string, Held>()
  /** How far this gateway's clock is from everybody else's. */
  readonly #clockAheadMs: number
  /** Counts the lives; what a former life planned does not happen. Null while it is down. */
  #life: number | null = 0
  #lives = 1
  #ticks = 0

  constructor(means: GatewayMeans) {
    this.#means = means
    const differs = means.plan.faults.has('gatewayClocksDiffer')
    this.#clockAheadMs = differs ? means.random.between(-20_000, 20_000) : 0
    this.#later(TICK_MS, this.#tick)
  }

  /** Serves a call; while it is down somebody else does. */
  arrive(call: Call): void {
    this.#step(this.#life, () => {
      const ask = this.#askOf(call, call.id, this.#claimsOf(call.quotaId))
      this.#reserve(ask, call, (admitted) => {
        if (!admitted) return
        if (call.movesTo === null) this.#serve(call, call.quotaId)
        else this.#later(this.#means.random.between(1, 300), () => this.#moveTo(call, call.movesTo as string))
      })
    })
  }

  crash(): void {
    if (this.#life === null) return
    const { provider, schedule, random } = this.#means
    for (const { call } of this.#held.values()) provider.end(call, schedule.nowMs)
    this.#held.clear()
    this.#life = null
    schedule.after(random.between(10, 40_000), () => {
      this.#life = this.#lives++
      this.#later(TICK_MS, this.#tick)
      this.#step(this.#life, () => this.#send({ op: 'reap' }))
    })
  }

  /** The first deployment failed: what the next one's quota asks for is held as well. */
  #moveTo(call: Call, quotaId: string): void {
    const claims = this.#claimsOf(quotaId).filter((claim) => claim.quotaId !== null)
    if (claims.length === 0) {
      this.#serve(call, quotaId)
      return
    }
    this.#reserve(this.#askOf(call, `${call.id}.2`, claims), call, (admitted) => {
      if (admitted) this.#serve(call, quotaId)
      else this.#endAll(call, unsent)
    })
  }

  #serve(call: Call, quotaId: string): void {
    const { provider, schedule, habits } = this.#means
    provider.begin(call, quotaId, schedule.nowMs)
    this.#later(call.durationMs, () => provider.end(call, schedule.nowMs))
    this.#later(habits.settledAfterMs(call.durationMs), () => {
      const tokens = call.inputTokens + call.outputTokens
      this.#endAll(call, { sent: true, tokens, nanos: tokens * NANOS_PER_TOKEN, quotaId })
    })
  }

  #reserve(ask: Ask, call: Call, then: (admitted: boolean) => void): void {
    let waits = true
    let askedAgain = false
    const decide = (verdict: Verdict | null) => {
      if (!waits || verdict === null) return
      waits = false
      if (verdict.admitted) this.#held.set(ask.id, { ask, call, renewedAtMs: this.#means.schedule.nowMs })
      // A refusal is not remembered: the second question, still under way, may be admitted.
      else if (askedAgain) this.#giveBack(ask, call)
      then(verdict.admitted)
    }
    this.#later(DEADLINE_MS, () => {
      if (!waits) return
      waits = false
      this.#giveBack(ask, call)
      then(false)
    })
    this.#send({ op: 'reserve', ask }, decide)
    if (!this.#means.plan.faults.has('asksTwice')) return
    this.#later(ASK_AGAIN_MS, () => {
      const again = { ...ask, id: this.#means.habits.secondId(ask.id) }
      if (!waits) return
      askedAgain = true
      this.#send({ op: 'reserve', ask: again }, decide)
    })
  }

  #endAll(call: Call, used: Used): void {
    const asks = [...this.#held.values()].filter((held) => held.call === call).map(({ ask }) => ask)
    for (const { id } of asks) this.#held.delete(id)
    for (const ask of this.#means.habits.ended(asks)) this.#tell(ask, used, call)
  }

  /** For a call that went on without a verdict: its reservation may come yet. */
  #giveBack(ask: Ask, call: Call): void {
    const told = this.#means.habits.endOf(ask, unsent, call)
    if (told === null) return
    const { id } = ask
    this.#sendUntilAnswered(told.sent ? { op: 'settle', id, used: told } : { op: 'giveBack', id })
  }

  #tell(ask: Ask, used: Used, call: Call): void {
    const told = this.#means.habits.endOf(ask, used, call)
    if (told !== null) this.#sendUntilAnswered({ op: 'settle', id: ask.id, used: told })
  }

  readonly #tick = (): void => {
    const { schedule, plan, habits, provider } = this.#means
    if (schedule.nowMs > plan.quietAtMs) return
    this.#later(TICK_MS, this.#tick)
    for (const held of this.#held.values()) {
      if (!habits.renews || schedule.nowMs - held.renewedAtMs < RENEW_AFTER_MS) continue
      held.renewedAtMs = schedule.nowMs
      const tokensAtLeast = habits.told(provider.tokensAt(held.call, schedule.nowMs), held.ask)
      const nanosAtLeast = tokensAtLeast * NANOS_PER_TOKEN
      this.#sendUntilAnswered({ op: 'renew', id: held.ask.id, tokensAtLeast, nanosAtLeast })
    }
    if (++this.#ticks % TICKS_PER_REAP === 0) this.#send({ op: 'reap' })
  }

  #sendUntilAnswered(operation: Operation): void {
    let answered = false
    const send = (): void => {
      if (answered) return
      if (this.#means.habits.sendsEndsAgain) this.#later(SEND_AGAIN_MS, send)
      this.#send(operation, () => {
        answered = true
      })
    }
    send()
  }

  #send(operation: Operation, answer: (verdict: Verdict | null) => void = () => {}): void {
    const { network, number, habits, schedule } = this.#means
    const life = this.#life
    this.#mayCrash()
    network.send({
      from: number,
      operation,
      answer: (verdict) => this.#step(life, () => answer(verdict)),
      judgedAtMs: (storeNowMs) => habits.judgedAtMs(storeNowMs, schedule.nowMs + this.#clockAheadMs),
    })
    this.#mayCrash()
  }

  #later(afterMs: number, work: () => void): void {
    const life = this.#life
    this.#means.schedule.after(afterMs, () => this.#step(life, work))
  }

  /** Does something of one life of this gateway, which may end in the middle of it. */
  #step(life: number | null, work: () => void): void {
    if (life === null || life !== this.#life) return
    try {
      work()
    } catch (fault) {
      if (fault !== CRASH) throw fault
      this.crash()
    }
  }

  #mayCrash(): void {
    const { plan, random, schedule } = this.#means
    if (!plan.faults.has('crashes') || schedule.nowMs > plan.quietAtMs - 60_000) return
    if (random.chance(CRASH_AT_A_STEP)) throw CRASH
  }

  #claimsOf(quotaId: string): readonly Claim[] {
    return this.#means.plan.claims.get(quotaId) ?? []
  }

  #askOf(call: Call, id: string, claims: readonly Claim[]): Ask {
    const [nanos, nanosAtLeast] = [call.estimate * NANOS_PER_TOKEN, call.inputTokens * NANOS_PER_TOKEN]
    return { id, claims, tokens: call.estimate, tokensAtLeast: call.inputTokens, nanos, nanosAtLeast }
  }
}
