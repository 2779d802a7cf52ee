/** The order of the stages is held by the compiler; this file does not compile when it is not. */
import { expect, test } from 'vitest'
import { authenticate } from './authenticate.ts'
import { authorize } from './authorize.ts'
import type { Identified, Received } from './call.ts'
import { callUpstream } from './call-upstream.ts'
import type { Gateway } from './gateway.ts'
import { meter } from './meter.ts'
import { reserve } from './reserve.ts'
import { resolveRoute } from './resolve-route.ts'

/** Never run: only its types are of interest. */
export async function wrongOrders(received: Received, known: Identified<Received>, gateway: Gateway) {
  // @ts-expect-error a route is resolved for a caller we know
  resolveRoute(received, gateway)
  // @ts-expect-error nor for one whose key has not been judged
  resolveRoute(known, gateway)
  const authenticated = authenticate(known, gateway)
  // @ts-expect-error nothing is authorised before it is resolved
  authorize(authenticated)
  const routed = resolveRoute(authenticated, gateway)
  // @ts-expect-error nothing is reserved before it is authorised
  await reserve(routed, gateway)
  const authorized = authorize(routed)
  // @ts-expect-error nothing is sent before it is reserved
  await callUpstream(authorized, gateway)
  const reserved = await reserve(authorized, gateway)
  // @ts-expect-error nothing is metered before it is answered
  await meter(reserved, gateway)
}

test('swapping two stages of the pipeline does not compile', () => {
  expect(wrongOrders).toBeTypeOf('function')
})
