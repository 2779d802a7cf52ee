/** The page of served endpoints. Paths are not listed here but asked of the matcher that serves them. */
import type { Endpoint, ForwardedEndpoint } from '@headgate/data-plane/endpoints/endpoint'
import { forwardedEndpoints, localEndpoints } from '@headgate/data-plane/endpoints/index'
import { matchPath } from '@headgate/data-plane/http/match-path'
import { upstreams } from '@headgate/data-plane/upstreams/index'
import type { ServingDeployment } from '@headgate/domain/catalog'
import { ApiStyle } from '@headgate/domain/resource'
import { code, pageHead, table } from './markdown.ts'

/** A legal name that stands for any name. */
const NAME = 'NAME'
const PREFIXES = ['/v1', '/openai/v1', '/openai', `/openai/deployments/${NAME}`]
const API_VERSION = 'VERSION'

export function endpointsPage(): string {
  const all: Endpoint[] = [...forwardedEndpoints, ...localEndpoints]
  return [
    pageHead('Endpoints', '`data-plane/src/endpoints` and `data-plane/src/upstreams`'),
    'Every path the gateway serves. Any other path is refused with `unknown_endpoint`, whoever asks. Paths are',
    'compared byte by byte: nothing is normalised. `{name}` is a model alias. Policies call endpoints by the names',
    'in the first column.\n',
    '## Paths\n',
    table(
      ['Endpoint', 'Method', 'Paths'],
      all.map((it) => [code(it.name), it.method, pathsOf(it).map(code).join(' ')]),
    ),
    'The paths below `/openai` without `v1` are those of the dated Azure API. Their `api-version` parameter is',
    'accepted and ignored: the version sent on is that of the resource.\n',
    '## What is read from a call\n',
    table(
      ['Endpoint', 'Body at most', 'Output ceiling from', 'Multiplied by', 'Stream', 'Billed by the token'],
      forwardedEndpoints.map(readingOf),
    ),
    'Before a call is sent, its tokens are estimated: four bytes of body text are one token, an inline image or',
    'file of any size is 1000, and the output is the ceiling the caller set, or 1024, or the cap of a policy where',
    'that is less. The true figures of the answer then take the place of the estimate.\n',
    '## Where a call goes\n',
    'The path at the provider, by the API style of the resource. Empty: not offered there; such a deployment is',
    'passed over, and a model that has no other is refused with `endpoint_not_offered`.\n',
    table(
      ['Endpoint', ...ApiStyle.options.map(code)],
      forwardedEndpoints.map((it) => [code(it.name), ...ApiStyle.options.map((style) => sentTo(it, style))]),
    ),
  ].join('\n')
}

function pathsOf(endpoint: Endpoint): string[] {
  const named = endpoint.kind === 'local' && endpoint.named ? `/${NAME}` : ''
  return PREFIXES.map((prefix) => prefix + endpoint.path + named)
    .filter((path) => isServed(endpoint, path))
    .map((path) => path.replace(NAME, '{name}'))
}

function isServed(endpoint: Endpoint, path: string): boolean {
  try {
    return matchPath(endpoint.method, path).endpoint === endpoint
  } catch {
    return false
  }
}

const streamTexts: Record<ForwardedEndpoint['streamUsage'], string> = {
  'on-request': 'yes; usage is asked for, and withheld from callers who did not ask',
  'last-event': 'yes; usage is in the last event',
  'no-stream': 'no',
}

function readingOf(it: ForwardedEndpoint): string[] {
  return [
    code(it.name),
    `${it.bodyBytesMax / 1024 / 1024} MiB`,
    it.outputFields.map(code).join(', else '),
    it.choiceFields.map(code).join(', '),
    streamTexts[it.streamUsage],
    it.metered ? 'yes' : 'no',
  ]
}

function sentTo(endpoint: ForwardedEndpoint, apiStyle: ApiStyle): string {
  const path = upstreams[apiStyle].path(endpoint, sampleDeployment(apiStyle), '')
  return code((path ?? '').replace(NAME, '{name}').replace(API_VERSION, '{version}'))
}

/** Only what an address is made of; there is no such deployment. */
function sampleDeployment(apiStyle: ApiStyle): ServingDeployment {
  const resource = { apiStyle, apiVersion: API_VERSION }
  return { upstreamModel: NAME, resource } as ServingDeployment
}
