/**
 * An exchange: one request on its way to being answered. What sending needs to know, and the ending it leaves
 * behind for the record.
 */
import type { ServerResponse } from 'node:http'
import type { Behaviour } from './behaviour.ts'
import type { Outcome, ServedCall } from './record.ts'

export type Exchange = {
  response: ServerResponse
  call: ServedCall
  behaviour: Behaviour
  /** Waits are divided by this. */
  speed: number
  /** How the call ends if the client stays to the end; set while it is sent. */
  ending: Outcome
  /** Keeps bytes of the answer in the record, if the server was told to. */
  keepAnswer: (bytes: Buffer | string) => void
}
