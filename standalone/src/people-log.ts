/** The log of an evaluation, for people at a terminal: one plain line per event on standard error. */
import type { Log } from '@headgate/domain/ports'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** @param level the least level that is written */
export function peopleLog(level: (typeof LEVELS)[number]): Log {
  const least = LEVELS.indexOf(level)
  return (at, message, fields) => {
    if (LEVELS.indexOf(at) < least) return
    const more = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : ''
    process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${at} ${message}${more}\n`)
  }
}
