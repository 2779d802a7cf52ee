/**
 * How often tests with random input repeat themselves: quickly in `npm test`, thoroughly in
 * `npm run test:long`. Tests ask here and nowhere else.
 */
import { roundsFactor } from './environment.ts'

/** The rounds to run, given the number for a usual run. */
export function rounds(usual: number): number {
  return usual * roundsFactor()
}
