/** What a library says of an address that failed may hold the address, and the address of a chat is a secret. */
import { envSecrets } from '@headgate/adapters/secrets/env'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import type { AlertChannel } from '@headgate/domain/alert-channel'
import { expect, test } from 'vitest'
import { receiverGuard } from './receiver-guard.ts'
import { sendAlert } from './send-alert.ts'

const address = 'https://chat.example.com/services/whoever-knows-it'
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

test('the secret of a channel is in no outcome, whatever repeats it', async () => {
  const secrets = secretResolver({ sources: { env: envSecrets({ CHAT_URL: address }) }, clock })
  const channel = {
    id: 'chn_1',
    kind: 'slack',
    secretRef: 'env://CHAT_URL',
    url: null,
  } as unknown as AlertChannel
  const guard = {
    ...receiverGuard({ networks: [], allowLoopback: false }),
    lookup: (_: string, __: unknown, done: (fault: Error, addresses: []) => void) =>
      done(new Error(`cannot reach ${address} now`), []),
  }
  const event = { id: 'evt_1', type: 'alert.test', at: '2026-11-01T00:00:00Z', data: {} } as never
  const outcome = await sendAlert(channel, event, { secrets, clock, guard: guard as never })
  expect(outcome).toEqual({ isReceived: false, isGone: false, answer: 'cannot reach [secret] now' })
})
