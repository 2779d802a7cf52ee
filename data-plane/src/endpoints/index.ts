/** All endpoints, on one screen. What is not here is refused. */
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import type { ForwardedEndpoint, LocalEndpoint } from './endpoint.ts'
import { listModels, retrieveModel } from './models.ts'
import { moderations } from './moderations.ts'
import { readOwnCall, readOwnUse } from './own-use.ts'
import { responses } from './responses.ts'

export const forwardedEndpoints: readonly ForwardedEndpoint[] = [
  chatCompletions,
  completions,
  embeddings,
  responses,
  moderations,
]

export const localEndpoints: readonly LocalEndpoint[] = [listModels, retrieveModel, readOwnUse, readOwnCall]
