/**
 * The style of an API: which of three faces a path belongs to. `/v1/…` is OpenAI, `/openai/v1/…` is Azure's v1,
 * and everything else below `/openai/` is Azure's dated API. Errors and headers differ between them.
 */
export type ApiStyle = 'openai' | 'azure-v1' | 'azure-dated'

/** Which face of the API a path belongs to, even when nothing is there. */
export function styleOf(path: string): ApiStyle {
  if (path.startsWith('/openai/v1/')) return 'azure-v1'
  return path.startsWith('/openai/') ? 'azure-dated' : 'openai'
}
