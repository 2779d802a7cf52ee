/**
 * Embeddings: a vector for each input, of length one, made of the input's hash. As floats or, as the official
 * clients ask by default, as base64 of little-endian 32-bit floats.
 */
import type { Answer, Asked } from './answer.ts'
import { hashText } from './answer-text.ts'
import { embeddingUsage, makeBill } from './bill.ts'
import { answeredModel, findDemoModel } from './demo-models.ts'
import { missing, readInputs, readInteger, readText } from './parameters.ts'
import { invalid } from './refusal.ts'
import { countInputTokens } from './tokens.ts'

const DIMENSIONS_DEFAULT = 1536
const DIMENSIONS_MAX = 3072
const INPUTS_MAX = 2048

/** Answers an embeddings request. Throws Refused for a wrong parameter. */
export function answerEmbeddings(asked: Asked): Answer {
  const { body, behaviour, model } = asked
  if (body['input'] === undefined) throw missing('input')
  const inputs = readInputs(body, 'input')
  if (inputs.length > INPUTS_MAX) {
    throw invalid(
      `Invalid 'input': array too long. Expected at most ${INPUTS_MAX}.`,
      'input',
      'array_above_max_length',
    )
  }
  if (inputs.some((input) => input.length === 0)) throw invalid("'input' cannot be an empty string.", 'input')
  const format = readText(body, 'encoding_format') ?? 'float'
  if (format !== 'float' && format !== 'base64') {
    const message = `Invalid value: '${format}'. Supported values are: 'float' and 'base64'.`
    throw invalid(message, 'encoding_format', 'invalid_value')
  }
  const dimensions =
    readInteger(body, 'dimensions', { min: 1, max: DIMENSIONS_MAX }) ??
    findDemoModel(model)?.dimensions ??
    DIMENSIONS_DEFAULT
  const bill = makeBill(countInputTokens(inputs), 0, { ...behaviour, reasoningTokens: 0 })
  const json = () => ({
    object: 'list',
    data: inputs.map((input, index) => {
      const vector = embed(typeof input === 'string' ? input : input.join(' '), dimensions)
      return {
        object: 'embedding',
        index,
        embedding: format === 'base64' ? toBase64(vector) : Array.from(vector),
      }
    }),
    model: answeredModel(model),
    ...(behaviour.usage === 'reported' ? { usage: embeddingUsage(bill) } : {}),
  })
  return { bill, json, events: null }
}

/** A vector of length one for the text; the same text and dimensions give the same vector. */
function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  let state = hashText(text) + text.length + 1
  let squares = 0
  for (let index = 0; index < dimensions; index++) {
    // A linear congruential step (Numerical Recipes) is random enough for a vector nobody searches by meaning.
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    const value = state / 0x80000000
    vector[index] = value
    squares += value * value
  }
  const length = Math.sqrt(squares) || 1
  return vector.map((value) => value / length)
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
