/**
 * The hash slot of a key in a cluster: CRC16 (XMODEM) of its tag, or of the whole key, modulo 16384.
 * Source: the Redis cluster specification, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec
 */

const SLOTS = 16_384
const POLYNOMIAL = 0x1021

/** The slot of a key, 0 to 16383. */
export function keySlot(key: string): number {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open + 1)
  const hashed = open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1) & 0xffff
  }
  return crc % SLOTS
}
