/** What holds for teams never passes for what holds for all, and nothing can be given that is not held. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Access, beyond, reachOf, rightsOf } from './access.ts'
import { Right, rightRow } from './right.ts'
import { Role } from './role.ts'

const TEAMS = ['a', 'b', 'c'].map((letter) => `team_${letter.toUpperCase().padStart(26, '0')}`)
const teamIds = fc.option(fc.subarray(TEAMS, { minLength: 1 }))
const access = fc.record({
  grants: fc.array(fc.record({ role: fc.constantFrom(...Role.options), teamIds }), { maxLength: 4 }),
  rights: fc.option(fc.subarray([...Right.options], { minLength: 1 })),
}) as fc.Arbitrary<Access>

const holds = (it: Access, right: Right, teamId: string | null) => {
  const reach = reachOf(it, right)
  return reach === 'everywhere' || (teamId !== null && reach !== 'nowhere' && reach.includes(teamId))
}

test('a right for the whole organisation is never held by a role for some teams', () => {
  fc.assert(
    fc.property(access, (it) => {
      const scoped = { ...it, grants: it.grants.filter((grant) => grant.teamIds !== null) }
      for (const right of Right.options) {
        const reach = reachOf(scoped, right)
        expect(reach).not.toBe('everywhere')
        if (rightRow(right).reach === 'organisation') expect(reach).toBe('nowhere')
      }
    }),
  )
})

test('nothing is beyond somebody exactly when each right, in each team and for all, is held', () => {
  fc.assert(
    fc.property(access, access, (held, wanted) => {
      const more = Right.options.filter((right) =>
        [null, ...TEAMS].some((teamId) => holds(wanted, right, teamId) && !holds(held, right, teamId)),
      )
      expect(beyond(held, wanted)).toEqual(more)
    }),
  )
})

test('narrowing to rights only takes away', () => {
  fc.assert(fc.property(access, (it) => beyond({ ...it, rights: null }, it).length === 0))
})

test('the list of rights says what each question says', () => {
  fc.assert(
    fc.property(access, (it) => {
      const listed = new Map(rightsOf(it).map((one) => [one.right, one.teamIds ?? 'everywhere']))
      for (const right of Right.options) expect(listed.get(right) ?? 'nowhere').toEqual(reachOf(it, right))
    }),
  )
})

test('admin has every right, and every role some', () => {
  for (const role of Role.options) {
    const rights = rightsOf({ grants: [{ role, teamIds: null }], rights: null })
    expect(rights.length).toBeGreaterThan(10)
    if (role === 'admin') expect(rights.map((it) => it.right)).toEqual(Right.options)
  }
})
