/** Socket → `Received`: the body read and scanned, the model found, the catalog of this moment taken. */
import type { Catalog } from '@headgate/domain/catalog'
import { GatewayError } from '@headgate/domain/gateway-error'
import { type ForwardedEndpoint, wantsStream } from '../endpoints/endpoint.ts'
import { type Body, fieldValue, openBody } from '../message/body.ts'
import type { InboundRequest } from '../message/inbound-request.ts'
import type { Line } from '../message/line.ts'
import { checkJsonBody } from '../message/request-head.ts'
import type { Received } from '../pipeline/call.ts'
import { bodyTooLarge } from './body-limits.ts'

const MODEL_LENGTH_MAX = 256

type Target = { endpoint: ForwardedEndpoint; deployment: string | null; catalog: Catalog }

/** @throws GatewayError `unsupported_content`, `body_too_large`, `invalid_json`, `duplicate_key`, `model_missing` */
export async function readCall(line: Line, request: InboundRequest, target: Target): Promise<Received> {
  const { endpoint, deployment, catalog } = target
  checkJsonBody(request.head)
  const { contentLength } = request.head
  if (contentLength !== null && contentLength > endpoint.bodyBytesMax)
    throw bodyTooLarge(endpoint.bodyBytesMax)
  const bytes = await line.readBody(endpoint.bodyBytesMax)
  request.bodyBytes = bytes.length
  request.bodyReadAtMs = performance.now()
  const body = openBody(bytes)
  // An Azure path names the deployment, and there the provider ignores what the body says, even nonsense.
  const bodyModel = modelOf(body, deployment !== null)
  const model = deployment ?? bodyModel ?? endpoint.defaultModel
  if (model === null) throw new GatewayError('model_missing', { param: 'model' })
  const stream = wantsStream(endpoint, body)
  const asksUsage = stream && endpoint.streamUsage === 'on-request' && includesUsage(body)
  return { endpoint, request, body, model, bodyModel, stream, asksUsage, catalog }
}

function modelOf(body: Body, ignored: boolean): string | null {
  const span = body.fields.spans.get('model')
  if (span === undefined) return null
  const model = span.end - span.start > MODEL_LENGTH_MAX ? '' : fieldValue(body, 'model')
  if (model === null) return null
  if (typeof model === 'string' && model !== '') return model
  if (ignored) return null
  throw badModel()
}

function badModel(): GatewayError {
  return new GatewayError('invalid_request', {
    public: `"model" must be a text of 1 to ${MODEL_LENGTH_MAX} bytes: the name of a model this gateway offers.`,
    param: 'model',
  })
}

function includesUsage(body: Body): boolean {
  const options = fieldValue(body, 'stream_options')
  return (
    typeof options === 'object' &&
    options !== null &&
    'include_usage' in options &&
    options.include_usage === true
  )
}
