/**
 * Settings of a fake upstream run alone: flags first, then `FAKE_UPSTREAM_*`, then defaults. The only reader of
 * the environment here; all faults are reported together.
 */
import { parseArgs } from 'node:util'
import type { FakeUpstreamOptions } from './server.ts'

/** What `--help` prints. */
export const HELP = `A server that behaves like OpenAI and Azure OpenAI.

  node fake-upstream/src/main.ts [flags]

  --host <address>     FAKE_UPSTREAM_HOST     address to bind (127.0.0.1)
  --port <number>      FAKE_UPSTREAM_PORT     port; 0 for any free one (7410)
  --api-key <key>      FAKE_UPSTREAM_API_KEY  the one credential accepted (any)
  --speed <factor>     FAKE_UPSTREAM_SPEED    waits are divided by it; Infinity for none (1)
  --record-max <n>     FAKE_UPSTREAM_RECORD_MAX  calls the record holds (10000)
  --help               this text
`

export type Config = { help: boolean; options: FakeUpstreamOptions }

const DEFAULT_PORT = 7410

/**
 * Reads flags and environment. Throws one Error that names every fault and what is expected instead.
 */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Config {
  const flags = readFlags(args)
  const setting = (flag: string, name: string) => flags[flag] ?? env[name]
  const faults: string[] = []
  const readNumber = (flag: string, name: string, accepts: (value: number) => boolean, expected: string) => {
    const text = setting(flag, name)
    if (text === undefined || text === '') return undefined
    const value = Number(text)
    if (!accepts(value)) faults.push(`--${flag} (or ${name}) must be ${expected}, not '${text}'`)
    return value
  }
  const isPort = (value: number) => Number.isInteger(value) && value >= 0 && value <= 65_535
  const port = readNumber('port', 'FAKE_UPSTREAM_PORT', isPort, 'a port from 0 to 65535')
  const speed = readNumber('speed', 'FAKE_UPSTREAM_SPEED', (value) => value > 0, 'a number above 0')
  const isCount = (value: number) => Number.isInteger(value) && value >= 1
  const recordMax = readNumber(
    'record-max',
    'FAKE_UPSTREAM_RECORD_MAX',
    isCount,
    'a whole number of at least 1',
  )
  if (faults.length > 0) throw new Error(faults.join('\n'))
  const host = setting('host', 'FAKE_UPSTREAM_HOST')
  const apiKey = setting('api-key', 'FAKE_UPSTREAM_API_KEY')
  const options: FakeUpstreamOptions = { port: port ?? DEFAULT_PORT }
  if (host) options.host = host
  if (apiKey) options.apiKey = apiKey
  if (speed !== undefined) options.speed = speed
  if (recordMax !== undefined) options.recordMax = recordMax
  return { help: flags['help'] !== undefined, options }
}

function readFlags(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      host: text,
      port: text,
      'api-key': text,
      speed: text,
      'record-max': text,
      help: { type: 'boolean' },
    },
  })
  return { ...values, help: values.help ? 'yes' : undefined }
}
