/** For which calls a condition holds, and which header a tag is read from. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCallTags } from './call-tag.ts'
import { openCondition, RouteCondition, type RouteQuestion } from './route-condition.ts'

const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`
const asked: RouteQuestion = {
  ...{ teamId: id('team', 1), appId: id('app', 1), endpoint: 'chat.completions' },
  ...{ tags: new Map([['env', 'prod']]), atMs: Date.parse('2026-11-27T10:00:00Z') },
}
const missed = (when: object, change: Partial<RouteQuestion> = {}) =>
  openCondition(RouteCondition.parse(when))({ ...asked, ...change })
const at = (text: string) => ({ atMs: Date.parse(text) })

describe('a condition', () => {
  test('holds when each part that it asks for is met by one of its values', () => {
    const when = {
      teamIds: [id('team', 2), id('team', 1)],
      appIds: [id('app', 1)],
      endpoints: ['chat.completions', 'responses'],
      tags: [{ name: 'env', values: ['test', 'prod'] }],
    }
    expect(missed(when)).toBeNull()
    expect(missed(when, { teamId: id('team', 3) })).toBe('team')
    expect(missed(when, { appId: id('app', 3) })).toBe('app')
    expect(missed(when, { endpoint: 'embeddings' })).toBe('endpoint')
    expect(missed(when, { tags: new Map([['env', 'dev']]) })).toBe('tag')
    expect(missed(when, { tags: new Map() })).toBe('tag')
  })

  test('asks each of its tags', () => {
    const tags = [
      { name: 'env', values: ['prod'] },
      { name: 'tier', values: ['gold'] },
    ]
    expect(missed({ tags })).toBe('tag')
    const both = new Map([
      ['env', 'prod'],
      ['tier', 'gold'],
    ])
    expect(missed({ tags }, { tags: both })).toBeNull()
  })
})

describe('a window', () => {
  const office = {
    timeZone: 'Europe/Berlin',
    weekdays: ['mon', 'tue', 'wed', 'thu', 'fri'],
    from: '08:00',
    to: '18:00',
  }

  test('is open by the clocks of its zone, summer and winter', () => {
    // 27 November 2026 is a Friday, and so is 26 June; Berlin is one hour ahead in winter and two in summer.
    expect(missed({ times: [office] }, at('2026-11-27T07:00:00Z'))).toBeNull()
    expect(missed({ times: [office] }, at('2026-11-27T06:59:59Z'))).toBe('time')
    expect(missed({ times: [office] }, at('2026-06-26T06:00:00Z'))).toBeNull()
    expect(missed({ times: [office] }, at('2026-06-26T15:59:59Z'))).toBeNull()
    expect(missed({ times: [office] }, at('2026-06-26T16:00:00Z'))).toBe('time')
    expect(missed({ times: [office] }, at('2026-11-28T10:00:00Z'))).toBe('time')
  })

  test('that goes past midnight belongs to the day on which it began', () => {
    const night = { timeZone: 'UTC', weekdays: ['fri'], from: '22:00', to: '06:00' }
    expect(missed({ times: [night] }, at('2026-11-27T22:00:00Z'))).toBeNull()
    expect(missed({ times: [night] }, at('2026-11-28T05:59:59Z'))).toBeNull()
    expect(missed({ times: [night] }, at('2026-11-28T06:00:00Z'))).toBe('time')
    expect(missed({ times: [night] }, at('2026-11-27T05:00:00Z'))).toBe('time')
  })

  test('answers the same in whatever order it is asked of instants', () => {
    const instant = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') })
    fc.assert(
      fc.property(fc.array(instant, { maxLength: 8 }), (instants) => {
        const used = openCondition(RouteCondition.parse({ times: [office] }))
        for (const atMs of instants) {
          const fresh = openCondition(RouteCondition.parse({ times: [office] }))
          expect(used({ ...asked, atMs })).toBe(fresh({ ...asked, atMs }))
        }
      }),
    )
  })

  test.each([
    [{ timeZone: 'Mars/Base', from: '08:00', to: '18:00' }],
    [{ timeZone: 'UTC', from: '8:00', to: '18:00' }],
    [{ timeZone: 'UTC', from: '24:00', to: '18:00' }],
    [{ timeZone: 'UTC', from: '08:00', to: '25:00' }],
    [{ timeZone: 'UTC', weekdays: [], from: '08:00', to: '18:00' }],
    [{ timeZone: 'UTC', weekdays: ['mon', 'mon'], from: '08:00', to: '18:00' }],
  ])('that is malformed is refused by its shape: %o', (window) => {
    expect(RouteCondition.safeParse({ times: [window] }).success).toBe(false)
  })
})

describe('the header of tags', () => {
  test('is read as names and values, blanks between them apart', () => {
    expect(readCallTags('env=prod, cost-centre=4711')).toEqual(
      new Map([
        ['env', 'prod'],
        ['cost-centre', '4711'],
      ]),
    )
    expect(readCallTags('')).toEqual(new Map())
  })

  test.each(['env', 'env=', '=prod', 'ENV=prod', 'env=a b', 'env=a,env=b', `env=${'x'.repeat(65)}`, 'a=b=c'])(
    'is told what is wrong with it: %s',
    (text) => {
      expect(readCallTags(text)).toBeTypeOf('string')
    },
  )

  test('is never read into anything but tags or a sentence, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = readCallTags(text)
        if (typeof read !== 'string')
          for (const [name, value] of read) expect(text).toContain(`${name}=${value}`)
      }),
    )
  })
})
