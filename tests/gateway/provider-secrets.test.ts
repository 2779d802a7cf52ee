/** The credential of a provider reaches the provider and nothing else, wherever it came from and whoever repeats it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { PROVIDER_SECRET, startGateway, type TestGateway, testSealer } from './harness.ts'

async function call(gateway: TestGateway, stream = false): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.keys.normal}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  return { status: answer.status, text: (await answer.text()) + JSON.stringify([...answer.headers]) }
}

const sealed = (value: string) => [{ name: 'provider', sealed: testSealer.seal('provider', value) }]

test('a stored secret works as soon as the catalog brings it, and its new value with the next catalog', async () => {
  await using gateway = await startGateway()
  const publish = async (value: string) => {
    await gateway.publish((document) => ({
      ...document,
      resources: document.resources.map((it) => ({ ...it, secretRef: 'db://provider' as never })),
      sealedSecrets: sealed(value),
    }))
  }
  const until = async (status: number) => {
    const endMs = performance.now() + 10_000
    while ((await call(gateway)).status !== status) {
      expect(performance.now(), `status ${status}`).toBeLessThan(endMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await publish('sk-not-the-one-of-the-provider')
  await until(502)
  await publish(PROVIDER_SECRET)
  await until(200)
})

test.each([401, 403, 429, 500, 302])('a provider that repeats it with %s tells nobody', async (status) => {
  const seen: string[] = []
  const echo = createServer((request, reply) => {
    const credential = request.headers.authorization ?? ''
    seen.push(credential)
    reply.writeHead(status, { 'x-echo': credential, location: `https://x.example/?key=${PROVIDER_SECRET}` })
    reply.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${credential}` } }))
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  const upstreamOrigin = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`
  {
    await using gateway = await startGateway({ upstreamOrigin })
    const answers = [await call(gateway), await call(gateway, true)]
    const ops = await Promise.all(
      ['/metrics', '/livez', '/readyz'].map(async (path) => (await fetch(gateway.opsOrigin + path)).text()),
    )
    const records = await gateway.recordsWhen(2)
    const told = JSON.stringify([answers, ops, records, gateway.logLines])
    expect(seen[0]).toContain(PROVIDER_SECRET)
    expect(told).not.toContain(PROVIDER_SECRET)
    expect(told).not.toContain(gateway.keys.normal)
  }
  await new Promise((resolve) => echo.close(resolve))
})
