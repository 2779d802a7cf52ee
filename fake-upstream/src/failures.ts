/**
 * Failures: the refusals a sentinel asks for by name. Shapes and codes follow OpenAI's error page and Azure's
 * documented answers; texts are ours.
 */
import { CATEGORIES_SAFE } from './azure-filter.ts'
import type { FailureName } from './behaviour.ts'
import type { Refusal } from './refusal.ts'

/** What a failure may say about the call: the model, the wait it asks for, and where a redirect leads. */
export type FailureFacts = { model: string; retryAfterMs: number; redirectTo: string; path: string }

/** The refusal for a failure's name. */
export function describeFailure(name: FailureName, facts: FailureFacts): Refusal {
  switch (name) {
    case 'bad-request':
      return {
        status: 400,
        message: "Invalid value for 'temperature'.",
        param: 'temperature',
        code: 'invalid_value',
      }
    case 'unauthorized':
      return UNAUTHORIZED
    case 'forbidden':
      return {
        status: 403,
        message: 'You have insufficient permissions for this operation.',
        code: 'insufficient_permissions',
      }
    case 'not-found':
      return modelNotFound(facts.model)
    case 'rate-limit':
      return { ...RATE_LIMITED, headers: retryHeaders(facts.retryAfterMs) }
    case 'rate-limit-bare':
      return RATE_LIMITED
    case 'quota':
      return QUOTA_SPENT
    case 'server-error':
      return SERVER_ERROR
    case 'overloaded':
      return {
        status: 503,
        message: 'The engine is currently overloaded, please try again later.',
        type: 'service_unavailable_error',
        code: 'server_is_overloaded',
      }
    case 'content-filter':
      return CONTENT_FILTERED
    case 'redirect':
      return {
        status: 302,
        message: '',
        bodiless: true,
        headers: { location: new URL(facts.path, facts.redirectTo).href },
      }
  }
}

/** 401: a key was given, and it is wrong. */
export const UNAUTHORIZED: Refusal = {
  status: 401,
  message: 'Incorrect API key provided. You can find your API key in the settings of your account.',
  code: 'invalid_api_key',
  azure: {
    code: '401',
    message: 'Access denied due to invalid subscription key or wrong API endpoint. Provide a valid key.',
  },
}

/** 401: no key was given. */
export const UNAUTHENTICATED: Refusal = {
  ...UNAUTHORIZED,
  message: "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.",
  code: null,
}

/** 500: what a provider says when it has no more to say. Also the error inside a broken stream. */
export const SERVER_ERROR: Refusal = {
  status: 500,
  message: 'The server had an error while processing your request. Sorry about that!',
  type: 'server_error',
}

const RATE_LIMITED: Refusal = {
  status: 429,
  message: 'Rate limit reached for requests per minute. Please try again later.',
  type: 'requests',
  code: 'rate_limit_exceeded',
  azure: {
    code: '429',
    message: 'Requests have exceeded the call rate limit of your current tier. Please retry later.',
  },
}

const QUOTA_SPENT: Refusal = {
  status: 429,
  message: 'You exceeded your current quota, please check your plan and billing details.',
  type: 'insufficient_quota',
  code: 'insufficient_quota',
}

const CONTENT_FILTERED: Refusal = {
  status: 400,
  message: "The prompt was filtered by the provider's content policy.",
  error: {
    message:
      "The response was filtered due to the prompt triggering the provider's content management policy.",
    type: null,
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: { ...CATEGORIES_SAFE, violence: { filtered: true, severity: 'high' } },
    },
  },
}

function modelNotFound(model: string): Refusal {
  return {
    status: 404,
    message: `The model '${model}' does not exist or you do not have access to it.`,
    param: 'model',
    code: 'model_not_found',
    azure: {
      code: 'DeploymentNotFound',
      message:
        'The API deployment for this resource does not exist. If you created it just now, try again later.',
    },
  }
}

function retryHeaders(waitMs: number): Record<string, string> {
  return { 'retry-after': String(Math.ceil(waitMs / 1000)), 'retry-after-ms': String(waitMs) }
}
