/**
 * Demo models: the names `npm start` offers, and the names of real models whose dated snapshot the fake answers
 * with. Any other name is served too: fast, and echoed as it came.
 */
import { type Behaviour, change, USUAL } from './behaviour.ts'
import { behaviourOf } from './sentinels.ts'

export type DemoModel = {
  id: string
  about: string
  /** What `model` says in the answer, as providers do. */
  snapshot: string
  /** The sentinel it stands for, and what it changes beside. */
  sentinel?: string
  changes?: Partial<Behaviour>
  /** Length of its embedding vectors. */
  dimensions?: number
}

const HUMAN_PACE: Partial<Behaviour> = { headWaitMs: 60, gapMs: 20 }

/** The models with a meaning of their own. */
export const DEMO_MODELS: readonly DemoModel[] = [
  {
    id: 'demo-chat',
    about: 'streams at a human pace',
    snapshot: 'demo-chat-2026-01-15',
    changes: HUMAN_PACE,
  },
  {
    id: 'demo-chat-large',
    about: 'long answers at a human pace',
    snapshot: 'demo-chat-large-2026-01-15',
    changes: { ...HUMAN_PACE, headWaitMs: 120, words: 300 },
  },
  { id: 'demo-embed', about: 'embeddings', snapshot: 'demo-embed-2026-01-15', dimensions: 1536 },
  {
    id: 'demo-slow',
    about: 'the first byte comes after 2 s',
    snapshot: 'demo-slow-2026-01-15',
    sentinel: 'slow-first-byte-2s',
    changes: { gapMs: 20 },
  },
  {
    id: 'demo-flaky',
    about: 'every third call is a 500',
    snapshot: 'demo-flaky-2026-01-15',
    sentinel: 'fail-every-3',
  },
  { id: 'demo-429', about: 'always rate limited', snapshot: 'demo-429-2026-01-15', sentinel: 'fail-429' },
  { id: 'demo-timeout', about: 'never answers', snapshot: 'demo-timeout-2026-01-15', sentinel: 'stall' },
  { id: 'gpt-4o', about: 'answers as its snapshot', snapshot: 'gpt-4o-2024-08-06' },
  { id: 'gpt-4o-mini', about: 'answers as its snapshot', snapshot: 'gpt-4o-mini-2024-07-18' },
  {
    id: 'text-embedding-3-large',
    about: 'embeddings',
    snapshot: 'text-embedding-3-large',
    dimensions: 3072,
  },
]

const BY_ID: ReadonlyMap<string, DemoModel> = new Map(DEMO_MODELS.map((model) => [model.id, model]))

/** Every model whose name is known, in the order listed by `GET /models`. */
export function findDemoModel(model: string): DemoModel | undefined {
  return BY_ID.get(model)
}

/** What the answer calls the model: its snapshot if it has one, else the name as it came. */
export function answeredModel(model: string): string {
  return BY_ID.get(model)?.snapshot ?? model
}

/** How a call to this model goes: as its demo row says, or as the sentinels in its name say. */
export function behaviourOfModel(model: string): Behaviour {
  const demo = BY_ID.get(model)
  if (demo === undefined) return behaviourOf(model)
  const base = demo.changes === undefined ? USUAL : change(USUAL, demo.changes)
  return demo.sentinel === undefined ? base : behaviourOf(demo.sentinel, base)
}
