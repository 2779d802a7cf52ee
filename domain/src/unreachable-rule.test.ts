/** Rules that can never decide are found; a rule that some call reaches never counts as one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openCondition, RouteCondition } from './route-condition.ts'
import { ruleFaults } from './unreachable-rule.ts'

const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`
const teams = new Map([1, 2, 3].map((n) => [id('team', n), {}]))
// App n belongs to team n.
const apps = new Map([1, 2, 3].map((n) => [id('app', n), { teamId: id('team', n) }]))
const known = { teams, apps }
const rules = (...conditions: object[]) =>
  conditions.map((when, at) => ({ name: `rule ${at}`, when: RouteCondition.parse(when) }))
const messages = (...conditions: object[]) =>
  ruleFaults(rules(...conditions), known).map((it) => `${it.message}: ${it.fix}`)

describe('a rule is told of when', () => {
  test.each<[string, object[]]>([
    ['"rule 0" holds for every call', [{}]],
    ['"rule 0" holds for every call', [{ times: [{ timeZone: 'UTC', from: '00:00', to: '24:00' }] }]],
    [
      '"rule 0" has a window from 08:00 to 08:00',
      [{ times: [{ timeZone: 'UTC', from: '08:00', to: '08:00' }] }],
    ],
    [`speaks of team ${id('team', 9)}`, [{ teamIds: [id('team', 9)] }]],
    [`speaks of app ${id('app', 9)}`, [{ appIds: [id('app', 9)] }]],
    ['can never hold', [{ teamIds: [id('team', 1)], appIds: [id('app', 2)] }]],
    [
      'can never hold',
      [
        {
          tags: [
            { name: 'env', values: ['a'] },
            { name: 'env', values: ['b'] },
          ],
        },
      ],
    ],
    [
      '"rule 1" is never reached: "rule 0" before it takes',
      [{ teamIds: [id('team', 1)] }, { teamIds: [id('team', 1)] }],
    ],
    [
      '"rule 1" is never reached',
      [{ endpoints: ['embeddings', 'responses'] }, { endpoints: ['responses'], appIds: [id('app', 1)] }],
    ],
    [
      '"rule 2" is never reached: "rule 0", "rule 1" before it take',
      [
        { teamIds: [id('team', 1)] },
        { teamIds: [id('team', 2)] },
        { teamIds: [id('team', 1), id('team', 2)] },
      ],
    ],
    [
      '"rule 1" is never reached',
      [
        { times: [{ timeZone: 'UTC', from: '20:00', to: '08:00' }] },
        { times: [{ timeZone: 'UTC', weekdays: ['mon'], from: '22:00', to: '06:00' }] },
      ],
    ],
  ])('%s', (message, conditions) => {
    expect(messages(...conditions).join('\n')).toContain(message)
  })

  test('another has its name', () => {
    const twice = rules({ teamIds: [id('team', 1)] }, { teamIds: [id('team', 2)] })
    expect(ruleFaults([twice[0]!, { ...twice[1]!, name: 'rule 0' }], known)[0]?.message).toContain(
      'two rules',
    )
  })
})

test('a narrow rule before a wide one is as it should be', () => {
  expect(
    messages(
      { teamIds: [id('team', 1)], endpoints: ['responses'] },
      { teamIds: [id('team', 1)] },
      { tags: [{ name: 'env', values: ['prod'] }] },
      { times: [{ timeZone: 'Europe/Berlin', from: '22:00', to: '06:00' }] },
    ),
  ).toEqual([])
})

const some = <T>(...values: T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }))
const anyWhen = fc.record({
  teamIds: some(id('team', 1), id('team', 2), id('team', 3)),
  endpoints: some('responses', 'embeddings'),
  tags: fc.option(
    fc.tuple(some('a', 'b', 'c').filter((it) => it !== null)).map(([values]) => [{ name: 'env', values }]),
  ),
})

test('what is called unreachable is reached by no call, and what is not is reached by one', () => {
  fc.assert(
    fc.property(fc.array(anyWhen, { minLength: 1, maxLength: 5 }), (conditions) => {
      const all = rules(...conditions)
      const open = all.map((it) => openCondition(it.when))
      const reached = new Set<number>()
      for (const teamId of [1, 2, 3, 4].map((n) => id('team', n)))
        for (const endpoint of ['responses', 'embeddings', 'completions'])
          for (const env of ['a', 'b', 'c', 'd', null]) {
            const tags = new Map(env === null ? [] : [['env', env]])
            const asked = { teamId, appId: '', endpoint, tags, atMs: 0 }
            reached.add(open.findIndex((missedBy) => missedBy(asked) === null))
          }
      const faults = ruleFaults(all, known).map((it) => it.message)
      all.forEach(({ name }, at) => {
        const isTold = faults.some((it) => it.startsWith(`rule "${name}" is never reached`))
        if (isTold) expect(reached.has(at)).toBe(false)
        else if (!reached.has(at)) expect(faults.some((it) => it.includes('every call'))).toBe(true)
      })
    }),
  )
})
