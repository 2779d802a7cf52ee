/** Sizes of bodies that matter at the door, and what is said of one that is too large. */
import { GatewayError } from '@headgate/domain/gateway-error'

/**
 * Up to here a body goes out as a string in which each character is one byte: joined with the head it is one
 * buffer for the kernel instead of two, which costs a fifth less. Larger ones are not worth the copy.
 */
export const ONE_WRITE_BYTES_MAX = 16_384

export function bodyTooLarge(bytesMax: number): GatewayError {
  return new GatewayError('body_too_large', {
    public: `The body is larger than the ${bytesMax} bytes this endpoint accepts.`,
  })
}
