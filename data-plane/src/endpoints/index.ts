/** All endpoints, on one screen. What is not here is refused. */
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import type { ForwardedEndpoint } from './endpoint.ts'
import { listModels, retrieveModel } from './models.ts'
import { moderations } from './moderations.ts'
import { responses } from './responses.ts'

export const forwardedEndpoints: readonly ForwardedEndpoint[] = [
  chatCompletions,
  completions,
  embeddings,
  responses,
  moderations,
]

export const localEndpoints = { listModels, retrieveModel } as const
