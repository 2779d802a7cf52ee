/** The page of roles and rights, from the tables of the domain and of the admin API. */
import { contract } from '@headgate/admin-contract/index'
import type { Operations } from '@headgate/admin-contract/operation'
import { Right, rightRow } from '@headgate/domain/right'
import { Role, roleMeanings } from '@headgate/domain/role'
import { code, pageHead, table } from './markdown.ts'

export function rightsPage(): string {
  return [
    pageHead('Roles and rights', '`domain/src/right.ts`'),
    'Who has a role has its rights: everywhere, or in the teams that the role is given for. Rights that do not reach to',
    'teams are held by roles for the whole organisation alone.\n',
    table(
      ['Role', 'What somebody with it does'],
      Role.options.map((role) => [role, roleMeanings[role]]),
    ),
    table(
      ['Right', ...Role.options, 'For single teams', 'Operations'],
      Right.options.map((right) => {
        const { roles, reach } = rightRow(right)
        const held = Role.options.map((role) => (roles.includes(role) ? 'yes' : ''))
        return [code(right), ...held, reach === 'team' ? 'yes' : '', operationsOf(right)]
      }),
    ),
  ].join('\n')
}

function operationsOf(right: Right): string {
  return Object.entries(contract as Record<string, Operations>)
    .flatMap(([word, group]) =>
      Object.entries(group)
        .filter(([, it]) => it.right === right)
        .map(([name]) => code(`${word}.${name}`)),
    )
    .join(', ')
}
