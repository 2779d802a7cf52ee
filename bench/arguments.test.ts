// Shows that the command line means what the help says, and that all faults are told at once.
import { expect, test } from 'vitest'
import { readArguments } from './arguments.ts'

test('nothing given measures everything over five rounds', () => {
  expect(readArguments([])).toEqual({
    help: false,
    rounds: 5,
    seconds: 5,
    groups: ['json', 'large', 'open', 'sse'],
    candidates: ['direct', 'nginx', 'headgate'],
    toolsFolder: null,
    write: false,
  })
})

test('quick is one round of one second, and what is said beside it wins', () => {
  expect(readArguments(['--quick'])).toMatchObject({ rounds: 1, seconds: 1 })
  expect(readArguments(['--quick', '--rounds', '3'])).toMatchObject({ rounds: 3, seconds: 1 })
})

test('lists choose groups and candidates in the order of the bench', () => {
  expect(readArguments(['--only', 'sse,json', '--candidates=headgate,nginx'])).toMatchObject({
    groups: ['json', 'sse'],
    candidates: ['nginx', 'headgate'],
  })
})

test('every fault is named, together', () => {
  const read = () =>
    readArguments(['--rounds', '0', '--seconds', 'x', '--only', 'json,beer', '--candidates', ''])
  expect(read).toThrow(/--rounds .*\n--seconds .*\n--only .*"beer"\n--candidates .*""/)
  expect(() => readArguments(['--fast'])).toThrow(/--fast/)
})
