/** The page of demo models and sentinels, from the tables of the fake upstream. */
import { DEMO_MODELS } from '@headgate/fake-upstream/demo-models'
import { SENTINELS } from '@headgate/fake-upstream/sentinels'
import { code, pageHead, table } from './markdown.ts'

export function sentinelsPage(): string {
  return [
    pageHead('Demo models and sentinels', '`fake-upstream/src`'),
    'The fake upstream behaves like OpenAI and Azure OpenAI without an account. It serves any model name. Some',
    'names have a meaning: demo models answer at a human pace, sentinels fail, stall or misbehave on purpose. To',
    'reach one through the gateway, give a deployment the name as its `upstream_model`.\n',
    '## Demo models\n',
    table(
      ['Model', 'What it does', 'Stands for'],
      DEMO_MODELS.map((it) => [code(it.id), it.about, code(it.sentinel ?? '')]),
    ),
    '## Sentinels\n',
    'After the name may follow a dash and a number or a duration (`-500ms`, `-2s`, `-1m`). `+` joins several:',
    '`split-events+usage-1000-500+cached-400`.\n',
    table(
      ['Sentinel', 'What it does'],
      SENTINELS.map((it) => [code(it.name), it.about]),
    ),
    'More about the fake upstream: [its README](../../fake-upstream/README.md).',
    '',
  ].join('\n')
}
