/** Users in the admin API. For admins only: a user's mail address is nobody else's business. */
import { TeamId } from '@headgate/domain/team'
import { NewUser, User } from '@headgate/domain/user'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const users = {
  list: operation({
    method: 'GET',
    path: '/users',
    role: 'admin',
    summary: 'Lists users, newest first; of one team if asked.',
    query: PageQuery.extend({ teamId: TeamId.optional() }),
    reply: pageOf(User),
  }),
  create: operation({
    method: 'POST',
    path: '/users',
    role: 'admin',
    audit: 'user.created',
    changesCatalog: false,
    status: 201,
    summary: 'Creates a user of a team.',
    body: NewUser,
    reply: User,
  }),
  read: operation({
    method: 'GET',
    path: '/users/{userId}',
    role: 'admin',
    summary: 'Reads one user.',
    reply: User,
  }),
}
