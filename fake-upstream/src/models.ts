/**
 * Models: the list of demo models, and any one of them by name. Since any name is served, any name is found
 * (but for `fail-404`). Azure's entries say more, and less about the owner.
 */
import type { Answer, Asked } from './answer.ts'
import type { ApiStyle } from './api-style.ts'
import { emptyBill } from './bill.ts'
import { DEMO_MODELS } from './demo-models.ts'

/** A fixed day for all of them: 2026-01-15 in Unix seconds. */
const RELEASED_S = 1_768_435_200

/** Answers `GET /models`. */
export function answerModelList(asked: Asked): Answer {
  const json = () => ({ object: 'list', data: DEMO_MODELS.map(({ id }) => describeModel(id, asked.style)) })
  return { bill: emptyBill(), json, events: null }
}

/** Answers `GET /models/{model}`. */
export function answerModel(asked: Asked): Answer {
  return { bill: emptyBill(), json: () => describeModel(asked.model, asked.style), events: null }
}

function describeModel(id: string, style: ApiStyle): unknown {
  if (style === 'openai') return { id, object: 'model', created: RELEASED_S, owned_by: 'fake-upstream' }
  const embeds = id.includes('embed')
  return {
    id,
    object: 'model',
    created: RELEASED_S,
    created_at: RELEASED_S,
    updated_at: RELEASED_S,
    owned_by: 'fake-upstream',
    status: 'succeeded',
    lifecycle_status: 'generally-available',
    capabilities: {
      fine_tune: false,
      inference: true,
      completion: !embeds,
      chat_completion: !embeds,
      embeddings: embeds,
    },
    deprecation: { inference: RELEASED_S + 315_360_000 },
  }
}
