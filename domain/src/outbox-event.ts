/**
 * An outbox event is something that others are to be told of, written in the transaction in which it happened.
 * Whoever tells them (alerts, and what may join) reads the outbox at a pace of its own and loses nothing.
 */
import { z } from 'zod'
import { AppId } from './app.ts'
import { BudgetEventId, BudgetId } from './budget.ts'
import { idOf } from './id.ts'
import { LimitOwnerId } from './limit.ts'
import { SinkId } from './sink.ts'
import { TeamId } from './team.ts'

export const OutboxEventId = idOf('evt')

/**
 * A budget reached a part of its amount; it will be overrun if it goes on so; the secret of a key is to be replaced, or
 * that was put off too long; a sink is behind by too much; or somebody tries a channel.
 */
export const OutboxEventType = z.enum([
  ...(['budget.reached', 'budget.forecast'] as const),
  ...(['key-rotation.due', 'key-rotation.overdue'] as const),
  'sink.lagging',
  'alert.test',
])
export type OutboxEventType = z.infer<typeof OutboxEventType>

const Nanos = z.int().min(0)
const Instant = z.iso.datetime({ offset: true })

/** What is told of a budget, as it was at that moment. */
export const BudgetNews = z.object({
  budgetEventId: BudgetEventId,
  budgetId: BudgetId,
  budgetName: z.string(),
  teamId: TeamId,
  ownerId: LimitOwnerId,
  ownerName: z.string(),
  currency: z.string(),
  atPercent: z.int().min(1),
  spentNanos: Nanos,
  amountNanos: Nanos,
  /** What will have been spent when the period ends; null where a part was reached. */
  forecastNanos: Nanos.nullable(),
  periodFrom: Instant,
  periodTo: Instant,
})
export type BudgetNews = z.infer<typeof BudgetNews>

/** What is told of a key whose secret is to be replaced. */
export const RotationNews = z.object({
  keyId: idOf('key'),
  keyName: z.string(),
  /** Of the secret that is to be replaced. */
  lastFour: z.string(),
  teamId: TeamId,
  appId: AppId,
  appName: z.string(),
  dueAt: Instant,
  overdueAt: Instant,
  /** When gateways begin to refuse it; null: they do not. */
  secretExpiresAt: Instant.nullable(),
})
export type RotationNews = z.infer<typeof RotationNews>

/** What is told of a sink, which belongs to no team. */
export const SinkNews = z.object({
  sinkId: SinkId,
  sinkName: z.string(),
  target: z.string(),
  lagSeconds: z.int().min(0),
  /** What went wrong last; null when nothing did. */
  lastError: z.string().nullable(),
})
export type SinkNews = z.infer<typeof SinkNews>

export type OutboxEvent = { readonly id: string; readonly at: string } & (
  | { readonly type: 'budget.reached' | 'budget.forecast'; readonly data: BudgetNews }
  | { readonly type: 'key-rotation.due' | 'key-rotation.overdue'; readonly data: RotationNews }
  | { readonly type: 'sink.lagging'; readonly data: SinkNews }
  | {
      readonly type: 'alert.test'
      readonly data: { readonly channelId: string; readonly channelName: string }
    }
)

const NANOS_PER_CENT = 10_000_000

/** One sentence for people. Names in it were chosen by people: whoever sends it masks what its medium would read. */
export function sentenceOf(event: OutboxEvent): string {
  if (event.type === 'alert.test') return `This is a test of the alert channel "${event.data.channelName}".`
  if (event.type === 'sink.lagging') return sinkSentence(event.data)
  return isOfKey(event)
    ? rotationSentence(event.data, event.type === 'key-rotation.overdue')
    : budgetSentence(event.data)
}

type Told = Exclude<OutboxEvent, { readonly type: 'alert.test' | 'sink.lagging' }>

function isOfKey(event: Told): event is Extract<Told, { readonly data: RotationNews }> {
  return event.type === 'key-rotation.due' || event.type === 'key-rotation.overdue'
}

function sinkSentence({ sinkName, lagSeconds, lastError }: SinkNews): string {
  const minutes = Math.floor(lagSeconds / 60)
  const why = lastError === null ? '' : ` What went wrong last: ${lastError}.`
  return `Sink "${sinkName}" is ${minutes} minutes behind what is stored.${why}`
}

function rotationSentence(data: RotationNews, isOverdue: boolean): string {
  const secret = `The secret of key "${data.keyName}" of app "${data.appName}" that ends in ${data.lastFour}`
  const { overdueAt, secretExpiresAt: end } = data
  return isOverdue
    ? `${secret} was to be replaced by ${overdueAt} and was not.${end === null ? '' : ` It stopped working at ${end}.`}`
    : `${secret} is to be replaced by ${overdueAt}.${end === null ? '' : ` It stops working at ${end}.`}`
}

function budgetSentence(data: BudgetNews): string {
  const money = (nanos: number) => `${moneyText(nanos)} ${data.currency}`
  const budget = `Budget "${data.budgetName}" of "${data.ownerName}"`
  const period = `in its period from ${data.periodFrom} to ${data.periodTo}`
  const spent = `${money(data.spentNanos)} of ${money(data.amountNanos)} are spent ${period}`
  return data.forecastNanos === null
    ? `${budget} has reached ${data.atPercent} percent: ${spent}.`
    : `${budget} will be overrun if it goes on like this: ${spent}, and ${money(data.forecastNanos)} are foreseen at its end.`
}

/** To the cent, rounded up: what is not there must not look as if it were. */
function moneyText(nanos: number): string {
  const cents = Math.ceil(nanos / NANOS_PER_CENT)
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
