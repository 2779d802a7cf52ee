/**
 * Serves one call: finds the endpoint, checks the credential, reads the request, lets the sentinel in its model
 * name have its way, answers, and closes the entry in the record. The only place where a refusal becomes an answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Asked } from './answer.ts'
import { type ApiStyle, styleOf } from './api-style.ts'
import { type Behaviour, USUAL } from './behaviour.ts'
import { answerChatCompletion } from './chat-completions.ts'
import { answerCompletion } from './completions.ts'
import { behaviourOfModel } from './demo-models.ts'
import { answerEmbeddings } from './embeddings.ts'
import type { Exchange } from './exchange.ts'
import { describeFailure, SERVER_ERROR, UNAUTHENTICATED, UNAUTHORIZED } from './failures.ts'
import { answerModel, answerModelList } from './models.ts'
import { answerModeration } from './moderations.ts'
import { isGone, keepSilent } from './pace.ts'
import { type Body, isObject, readText } from './parameters.ts'
import { providerHeaders } from './provider-headers.ts'
import { parseBody, readBody } from './read-body.ts'
import type { CallRecord } from './record.ts'
import { invalid, Refused, refusalBody } from './refusal.ts'
import { answerResponse } from './responses.ts'
import { type EndpointName, findRoute, type Route } from './route.ts'
import { sendJson, sendRefusal } from './send-json.ts'
import { sendStream } from './send-stream.ts'
import { countTokens } from './tokens.ts'

/** What a running fake has; made in server.ts. */
export type Fake = {
  record: CallRecord
  apiKey: string | null
  speed: number
  keepAnswers: boolean
  redirectTo: string
  /** Unix milliseconds for `created`. */
  clock: () => number
  /** Calls so far of each model that fails now and then. */
  callsByModel: Map<string, number>
}

const ANSWERERS: Readonly<Record<EndpointName, (asked: Asked) => Answer>> = {
  'chat-completions': answerChatCompletion,
  completions: answerCompletion,
  embeddings: answerEmbeddings,
  responses: answerResponse,
  moderations: answerModeration,
  'models-list': answerModelList,
  'models-retrieve': answerModel,
}

const MODEL_DEFAULTS: Partial<Record<EndpointName, string>> = { moderations: 'omni-moderation-latest' }
const KEPT_ANSWER_BYTES_MAX = 64 * 1024

/** Serves one call from its head to the closing of its response. Never rejects. */
export async function serveCall(
  request: IncomingMessage,
  response: ServerResponse,
  fake: Fake,
): Promise<void> {
  const exchange = openExchange(request, response, fake)
  const { call } = exchange
  try {
    await answerCall(request, exchange, fake)
  } catch (error) {
    if (isGone(response) || request.errored !== null) response.destroy()
    else if (response.headersSent) response.destroy(error instanceof Error ? error : undefined)
    else {
      const refusal = error instanceof Refused ? error.refusal : bug(error)
      const facts = { seed: seedOf(call), model: call.model ?? '', promptTokens: 0 }
      const headers = providerHeaders(call.style, facts)
      // What is left of an unread body would be taken for the next request.
      if (!request.complete) headers.push('connection', 'close')
      sendRefusal(exchange, refusalBody(refusal, call.style), { refusal, headers })
    }
  }
}

function openExchange(request: IncomingMessage, response: ServerResponse, fake: Fake): Exchange {
  const { method = '', url: path = '', rawHeaders } = request
  const call = fake.record.open({ method, path, style: styleOf(path), rawHeaders })
  const kept: Buffer[] = []
  let keptBytes = 0
  const keepAnswer = (bytes: Buffer | string) => {
    if (!fake.keepAnswers || keptBytes > KEPT_ANSWER_BYTES_MAX) return
    const chunk = Buffer.from(bytes)
    kept.push(chunk)
    keptBytes += chunk.length
  }
  const exchange: Exchange = {
    response,
    call,
    behaviour: USUAL,
    speed: fake.speed,
    ending: 'complete',
    keepAnswer,
  }
  response.once('close', () => {
    call.endedAtMs = Date.now()
    const stayed = response.writableFinished || exchange.ending === 'cut'
    call.outcome = stayed ? exchange.ending : 'client-gone'
    if (!stayed) call.clientGoneAtMs = call.endedAtMs
    if (fake.keepAnswers) fake.record.keepAnswer(call, kept)
  })
  return exchange
}

async function answerCall(request: IncomingMessage, exchange: Exchange, fake: Fake): Promise<void> {
  const { response, call } = exchange
  const route = findRoute(call.method, call.path)
  call.endpoint = route.endpoint
  checkCredential(request, route.style, fake.apiKey)
  const body = route.method === 'POST' ? await receiveBody(request, exchange, fake) : {}
  const model = modelOf(route, body)
  call.model = model
  call.stream = body['stream'] === true
  exchange.behaviour = behaviourOfModel(model)
  if (exchange.behaviour.reset) {
    exchange.ending = 'cut'
    request.socket.resetAndDestroy()
    return
  }
  if (!(await keepSilent(exchange, exchange.behaviour.headWaitMs))) return
  failIfAsked(exchange, model, fake)
  const answer = ANSWERERS[route.endpoint]({
    style: route.style,
    model,
    body,
    behaviour: exchange.behaviour,
    seed: seedOf(call),
    createdS: Math.floor(fake.clock() / 1000),
  })
  const facts = { seed: seedOf(call), model, promptTokens: answer.bill.prompt }
  const headers = providerHeaders(route.style, facts)
  if (isGone(response)) return
  if (answer.events !== null) return sendStream(exchange, answer, headers)
  if (exchange.behaviour.break === 'error') throw new Refused(SERVER_ERROR)
  return sendJson(exchange, answer, headers)
}

function checkCredential(request: IncomingMessage, style: ApiStyle, apiKey: string | null): void {
  if (apiKey === null) return
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header = style === 'openai' ? undefined : request.headers['api-key']
  const given = header ?? bearer
  if (given === undefined) throw new Refused(UNAUTHENTICATED)
  if (given !== apiKey) throw new Refused(UNAUTHORIZED)
}

async function receiveBody(request: IncomingMessage, { call }: Exchange, fake: Fake): Promise<Body> {
  const bytes = await readBody(request)
  fake.record.keepBody(call, bytes)
  return parseBody(request.headers['content-type'], bytes)
}

function modelOf({ endpoint, model, method }: Route, body: Body): string {
  if (model !== null) return model
  if (method === 'GET') return ''
  const named = readText(body, 'model') ?? MODEL_DEFAULTS[endpoint]
  if (named !== undefined && named !== '') return named
  // A stored prompt brings its own model.
  if (endpoint === 'responses' && isObject(body['prompt'])) return 'demo-chat'
  throw invalid('you must provide a model parameter')
}

function failIfAsked({ behaviour, call }: Exchange, model: string, fake: Fake): void {
  const { failure } = behaviour
  if (failure === null || !isDue(behaviour, model, fake)) return
  if (failure === 'content-filter') {
    // Azure bills the prompt it blocks, though it reports no usage.
    const prompt = behaviour.exactUsage?.prompt ?? countTokens(call.body?.toString('utf8') ?? '')
    call.billed = { ...call.billed, prompt, total: prompt }
  }
  const { retryAfterMs } = behaviour
  throw new Refused(
    describeFailure(failure, { model, retryAfterMs, redirectTo: fake.redirectTo, path: call.path }),
  )
}

function isDue({ failEvery }: Behaviour, model: string, { callsByModel }: Fake): boolean {
  if (failEvery === 1) return true
  const calls = (callsByModel.get(model) ?? 0) + 1
  callsByModel.set(model, calls)
  return calls % failEvery === 0
}

/** Sixteen characters of the call's number and its body: unique in a run, and the same in the next run. */
function seedOf({ sequence, bodySha256 }: Exchange['call']): string {
  return sequence.toString(36).padStart(6, '0') + (bodySha256 ?? '0000000000').slice(0, 10)
}

function bug(error: unknown): typeof SERVER_ERROR {
  const reason = error instanceof Error ? error.message : String(error)
  return { ...SERVER_ERROR, message: `A bug in fake-upstream: ${reason}` }
}
