/** Usage in every shape of the endpoints, each with the bill a person made of it. */
import { cached, chat, type Fixture, fixture, read, responses, tier } from './answers.ts'
import { textFixtures } from './text-fixtures.ts'

const written: Fixture[] = [
  ...responses(
    'cache written',
    'gpt-5.6-sol',
    { input_tokens: 5_000, output_tokens: 10, ...read(1_000, 3_000) },
    { input: 1_000, cached_input: 1_000, cache_write: 3_000, output: 10 },
  ),
  ...responses(
    'written for minutes and hours',
    'gpt-5.6-sol',
    {
      input_tokens: 900,
      output_tokens: 1,
      input_tokens_details: {
        cached_tokens: 0,
        cache_write_tokens: 600,
        cache_write_tokens_details: { ttl_30m_tokens: 500, ttl_12h_tokens: 100 },
      },
    },
    { input: 300, cache_write: 600, output: 1 },
  ),
  ...responses(
    'written, flex',
    'gpt-5.6-sol',
    { input_tokens: 5_001, output_tokens: 10, ...read(1_000, 3_000) },
    { input: 1_001, cached_input: 1_000, cache_write: 3_000, output: 10 },
    tier('flex'),
  ),
  ...responses(
    'written, priority',
    'gpt-5.6-sol',
    { input_tokens: 4_001, output_tokens: 10, ...read(1_000, 3_000) },
    { input: 1, cached_input: 1_000, cache_write: 3_000, output: 10 },
    tier('priority'),
  ),
  ...chat(
    'written, in chat',
    'gpt-6-sol',
    { prompt_tokens: 640, completion_tokens: 5, ...cached(128, { cache_write_tokens: 256 }) },
    { input: 256, cached_input: 128, cache_write: 256, output: 5 },
  ),
  ...responses(
    'searches of the web',
    'gpt-6-sol',
    { input_tokens: 2_000, output_tokens: 100, ...read(0) },
    { input: 2_000, output: 100, web_search: 3 },
    { more: { tool_usage: { web_search: { num_requests: 3 } } } },
  ),
]

const sound: Fixture[] = [
  ...chat(
    'sound in and out',
    'gpt-audio',
    {
      prompt_tokens: 150,
      completion_tokens: 240,
      prompt_tokens_details: { audio_tokens: 130, text_tokens: 20 },
      completion_tokens_details: { audio_tokens: 200, text_tokens: 40 },
    },
    { input: 20, input_audio: 130, output: 40, output_audio: 200 },
  ),
  ...chat(
    'sound, older',
    'gpt-4o-audio-preview',
    { prompt_tokens: 77, completion_tokens: 3, prompt_tokens_details: { audio_tokens: 70 } },
    { input: 7, input_audio: 70, output: 3 },
  ),
  ...responses(
    'realtime',
    'gpt-realtime-2.1',
    {
      input_tokens: 500,
      output_tokens: 60,
      input_token_details: {
        text_tokens: 200,
        audio_tokens: 300,
        cached_tokens: 160,
        cached_tokens_details: { text_tokens: 64, audio_tokens: 96 },
      },
      output_token_details: { text_tokens: 10, audio_tokens: 50 },
    },
    { input: 136, cached_input: 64, input_audio: 204, cached_audio: 96, output: 10, output_audio: 50 },
  ),
  ...responses(
    'realtime, cached beyond the text',
    'gpt-realtime-2.1',
    { input_tokens: 500, output_tokens: 1, input_token_details: { audio_tokens: 400, cached_tokens: 250 } },
    { cached_input: 100, input_audio: 250, cached_audio: 150, output: 1 },
  ),
]

const shapes: Fixture[] = [
  fixture(
    'transcription',
    'gpt-4o-transcribe',
    {
      text: 'hi',
      usage: {
        type: 'tokens',
        input_tokens: 14,
        input_token_details: { text_tokens: 10, audio_tokens: 4 },
        output_tokens: 101,
        total_tokens: 115,
      },
    },
    { input: 10, input_audio: 4, output: 101 },
    {},
  ),
  fixture(
    'transcription',
    'gpt-4o-transcribe',
    [
      { type: 'transcript.text.delta', delta: 'h' },
      {
        type: 'transcript.text.done',
        text: 'hi',
        usage: {
          type: 'tokens',
          input_tokens: 14,
          input_token_details: { audio_tokens: 14 },
          output_tokens: 45,
        },
      },
    ],
    { input_audio: 14, output: 45 },
    {},
  ),
  fixture(
    'transcription by length',
    'whisper-1',
    { text: 'hi', usage: { type: 'duration', seconds: 12 } },
    { input_second: 12_000 },
    {},
  ),
  fixture(
    'transcription by length, Azure',
    'whisper-1',
    { text: 'hi', usage: { type: 'duration', seconds: 12.5 } },
    { input_second: 12_500 },
    { provider: 'azure' },
  ),
  fixture(
    'verbose transcription',
    'whisper-1',
    { task: 'transcribe', language: 'english', duration: 8.470000267028809, text: 'hi' },
    { input_second: 8_471 },
    {},
  ),
  fixture(
    'a picture',
    'gpt-image-1',
    {
      created: 1,
      data: [{ b64_json: 'aGk=' }],
      usage: {
        input_tokens: 50,
        output_tokens: 1056,
        total_tokens: 1106,
        input_tokens_details: { text_tokens: 10, image_tokens: 40 },
      },
    },
    { input: 10, input_image: 40, output_image: 1056 },
    {},
  ),
  fixture(
    'a picture as events',
    'gpt-image-1',
    [
      { type: 'image_generation.partial_image', b64_json: 'aGk=' },
      {
        type: 'image_generation.completed',
        b64_json: 'aGk=',
        usage: {
          input_tokens: 50,
          output_tokens: 1256,
          input_tokens_details: { text_tokens: 50, image_tokens: 0 },
        },
      },
    ],
    { input: 50, output_image: 1256 },
    {},
  ),
  fixture(
    'a picture told apart',
    'gpt-image-2',
    {
      data: [{ b64_json: 'aGk=' }],
      usage: {
        input_tokens: 8,
        output_tokens: 1000,
        output_tokens_details: { image_tokens: 900, text_tokens: 100 },
      },
    },
    { input: 8, output: 100, output_image: 900 },
    {},
  ),
  fixture(
    'pictures by the piece',
    'dall-e-3',
    {
      created: 1,
      data: [
        { url: 'https://a.example/1', revised_prompt: 'a' },
        { url: 'https://a.example/2', revised_prompt: 'b' },
      ],
    },
    { image: 2 },
    {},
  ),
  fixture(
    'embeddings',
    'text-embedding-3-small',
    { object: 'list', data: [{ embedding: 'AAAA' }], usage: { prompt_tokens: 8, total_tokens: 8 } },
    { input: 8 },
    {},
  ),
  fixture(
    'legacy completion',
    'gpt-3.5-turbo-instruct',
    {
      object: 'text_completion',
      choices: [{ text: 'a' }],
      usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
    },
    { input: 5, output: 7 },
    {},
  ),
  fixture(
    'legacy completion',
    'gpt-3.5-turbo-instruct',
    [{ choices: [{ text: 'a' }] }, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } }],
    { input: 5, output: 7 },
    {},
  ),
  fixture(
    'speech',
    'gpt-4o-mini-tts',
    [
      { type: 'speech.audio.delta', audio: 'AA==' },
      {
        type: 'speech.audio.done',
        usage: { input_tokens: 14, output_tokens: 101, output_token_details: { audio_tokens: 101 } },
      },
    ],
    { input: 14, output_audio: 101 },
    {},
  ),
]

export const fixtures: readonly Fixture[] = [...textFixtures, ...written, ...sound, ...shapes]
