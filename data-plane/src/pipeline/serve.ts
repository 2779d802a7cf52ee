/**
 * The sequence every forwarded call goes through. Read this first: each line's type is the next line's input,
 * all branching is in the stages, and there is one way out for refusals.
 */
import type { Reply } from '../message/reply.ts'
import { answerLocally } from './answer-locally.ts'
import { authenticate, identify } from './authenticate.ts'
import { authorize, authorizeLocally } from './authorize.ts'
import type { Reached, Received, ReceivedLocally } from './call.ts'
import { callUpstream } from './call-upstream.ts'
import type { Gateway } from './gateway.ts'
import { meter } from './meter.ts'
import { reserve } from './reserve.ts'
import { resolveRoute } from './resolve-route.ts'
import { settleRefused } from './settle.ts'

/**
 * Serves one call: gives the reply to write, or throws the refusal. Either way the call is settled and
 * recorded exactly once; a streamed reply settles when its last byte has gone.
 */
export async function serve(received: Received, gateway: Gateway): Promise<Reply> {
  let reached: Reached = received
  try {
    const identified = await identify(received, gateway)
    reached = identified
    const authenticated = authenticate(identified, gateway)
    const routed = resolveRoute(authenticated, gateway)
    reached = routed
    const authorized = authorize(routed)
    reached = authorized
    const reserved = await reserve(authorized, gateway)
    reached = reserved
    const answered = await callUpstream(reserved, gateway)
    reached = answered
    return await meter(answered, gateway)
  } catch (refusal) {
    settleRefused(reached, refusal, gateway)
    throw refusal
  }
}

/** Serves a call the gateway answers itself. Same door, same record. */
export async function serveLocally(received: ReceivedLocally, gateway: Gateway): Promise<Reply> {
  let reached: Reached = received
  try {
    const identified = await identify(received, gateway)
    reached = identified
    const authorized = authorizeLocally(authenticate(identified, gateway))
    reached = authorized
    return await answerLocally(authorized, gateway)
  } catch (refusal) {
    settleRefused(reached, refusal, gateway)
    throw refusal
  }
}
