/** Usage of text, in every tier and over the threshold of long inputs, each with the bill a person made of it. */
import { cached, chat, type Fixture, read, responses, tier } from './answers.ts'

const text: Fixture[] = [
  ...chat('text', 'gpt-4o', { prompt_tokens: 19, completion_tokens: 10 }, { input: 19, output: 10 }),
  ...chat('one token', 'gpt-5-nano', { prompt_tokens: 1, completion_tokens: 0 }, { input: 1 }),
  ...chat(
    'cached',
    'gpt-4o',
    { prompt_tokens: 2006, completion_tokens: 300, ...cached(1920) },
    { input: 86, cached_input: 1920, output: 300 },
  ),
  ...chat(
    'thought',
    'o3',
    { prompt_tokens: 75, completion_tokens: 1186, completion_tokens_details: { reasoning_tokens: 1024 } },
    { input: 75, output: 1186 },
  ),
  ...chat(
    'predictions',
    'gpt-4o',
    {
      prompt_tokens: 60,
      completion_tokens: 45,
      completion_tokens_details: { accepted_prediction_tokens: 20, rejected_prediction_tokens: 9 },
    },
    { input: 60, output: 45 },
  ),
  ...chat(
    'told tier',
    'gpt-4o',
    { prompt_tokens: 7, completion_tokens: 3 },
    { input: 7, output: 3 },
    tier('default'),
  ),
  ...chat(
    'priority',
    'gpt-4o',
    { prompt_tokens: 2006, completion_tokens: 300, ...cached(1001) },
    { input: 1005, cached_input: 1001, output: 300 },
    tier('priority'),
  ),
  ...chat(
    'flex',
    'o3',
    { prompt_tokens: 333, completion_tokens: 77, ...cached(128) },
    { input: 205, cached_input: 128, output: 77 },
    tier('flex'),
  ),
  ...chat(
    'batch',
    'gpt-4o',
    { prompt_tokens: 501, completion_tokens: 99 },
    { input: 501, output: 99 },
    tier('batch'),
  ),
  ...chat(
    'dear',
    'o1-pro',
    { prompt_tokens: 123_457, completion_tokens: 65_537 },
    { input: 123_457, output: 65_537 },
  ),
  ...chat(
    'Azure',
    'gpt-4o',
    { prompt_tokens: 800, completion_tokens: 80, ...cached(512) },
    { input: 288, cached_input: 512, output: 80 },
    { provider: 'azure' },
  ),
  ...chat(
    'Azure priority',
    'gpt-5.4',
    { prompt_tokens: 90, completion_tokens: 9 },
    { input: 90, output: 9 },
    { provider: 'azure', ...tier('priority') },
  ),
  ...chat(
    '15 % off',
    'gpt-4o',
    { prompt_tokens: 1111, completion_tokens: 7 },
    { input: 1111, output: 7 },
    { multiplierMillionths: 850_000 },
  ),
  ...chat(
    'an odd multiplier',
    'gpt-5-nano',
    { prompt_tokens: 13, completion_tokens: 17, ...cached(6) },
    { input: 7, cached_input: 6, output: 17 },
    { multiplierMillionths: 1_100_003 },
  ),
]

const long: Fixture[] = [
  ...responses(
    'at the threshold',
    'gpt-5.6-sol',
    { input_tokens: 272_000, output_tokens: 500, ...read(0) },
    { input: 272_000, output: 500 },
  ),
  ...responses(
    'over the threshold',
    'gpt-5.6-sol',
    { input_tokens: 272_001, output_tokens: 500, ...read(272_000) },
    { input: 1, cached_input: 272_000, output: 500 },
    { above: 272_000 },
  ),
  ...responses(
    'over it, with writes',
    'gpt-5.6-sol',
    { input_tokens: 300_000, output_tokens: 2_000, ...read(100_000, 150_000) },
    { input: 50_000, cached_input: 100_000, cache_write: 150_000, output: 2_000 },
    { above: 272_000 },
  ),
  ...responses(
    'over it, flex',
    'gpt-5.6-sol',
    { input_tokens: 400_000, output_tokens: 1, ...read(7) },
    { input: 399_993, cached_input: 7, output: 1 },
    { above: 272_000, ...tier('flex') },
  ),
  ...responses(
    'over it, Azure priority',
    'gpt-5.4',
    { input_tokens: 900_001, output_tokens: 3, ...read(1) },
    { input: 900_000, cached_input: 1, output: 3 },
    { above: 272_000, provider: 'azure', ...tier('priority') },
  ),
  ...responses(
    'over it, 10 % on top',
    'gpt-6-sol',
    { input_tokens: 1_000_003, output_tokens: 11, ...read(0) },
    { input: 1_000_003, output: 11 },
    { above: 272_000, multiplierMillionths: 1_100_000 },
  ),
]

export const textFixtures: readonly Fixture[] = [...text, ...long]
