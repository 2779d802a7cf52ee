// Shows that prebuilt tools are asked for the same load and understood alike.
import { expect, test } from 'vitest'
import { direct } from './candidate.ts'
import { type Measure, planOf } from './measures.ts'
import { probeArguments, resultOfProbe } from './probe-output.ts'
import { measureNamed } from './sample-runs.ts'

async function argumentsFor(measure: Measure): Promise<string> {
  const started = { ...(await direct.start(9100, '')), headers: { authorization: 'Bearer x' } }
  const plan = planOf(measure, started, { bodyFile: 'body.json', seconds: 5, warmUpSeconds: 5 / 3 })
  return probeArguments(plan).join(' ')
}

test('a plan becomes the flags of the same load', async () => {
  const common = '-a 127.0.0.1:9100 -p /v1/chat/completions -f body.json'
  const key = '-H authorization: Bearer x'
  expect(await argumentsFor(measureNamed('JSON 1.5 KB, 64'))).toBe(`${common} -c 64 -d 5 -w 2 ${key}`)
  expect(await argumentsFor(measureNamed('JSON 1.5 KB, open loop at 1000'))).toBe(
    `${common} -c 128 -d 5 -w 2 -r 1000 ${key}`,
  )
  expect(await argumentsFor(measureNamed('SSE'))).toBe(`${common} -c 200 -d 5 -w 2 -s ${key}`)
})

const quantiles = '{"n":10,"mean":5.5,"p50":5,"p90":9,"p95":9.5,"p99":9.9,"p999":10,"max":10}'
const counts = '"rps":2,"done":10,"errors":1,"non2xx":2,"queued_at_end":3,"in_flight_at_end":4'

test('its line of JSON is read for requests and for streams', () => {
  expect(resultOfProbe(`{${counts},"lat_us":${quantiles}}`)).toMatchObject({
    completed: 9,
    errors: 1,
    non2xx: 2,
    queuedAtEnd: 3,
    inFlightAtEnd: 4,
    latency: { count: 10, p95Us: 9.5 },
    chunks: 0,
  })
  const streams = `{${counts},"chunks":7,"ttfb_us":${quantiles},"chunk_us":${quantiles},"stream_us":${quantiles}}`
  expect(resultOfProbe(streams)).toMatchObject({
    chunks: 7,
    firstByte: { p50Us: 5 },
    chunkTransit: { maxUs: 10 },
  })
})

test('another program of that name is found out', () => {
  expect(() => resultOfProbe('{"hello":1}')).toThrow('the probe said something else')
})
