/** The process log: one JSON line per event on standard output. Whoever writes has redacted; this only formats. */
import type { Log } from '@headgate/domain/ports'
import { pino } from 'pino'

/**
 * @param name which process speaks, as `data-plane`
 * @param level the least level that is written
 */
export function processLog(name: string, level: 'debug' | 'info' | 'warn' | 'error'): Log {
  const logger = pino({ name, level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime })
  return (at, message, fields) => logger[at](fields ?? {}, message)
}
