/** Users in the admin API. For admins only: a user's mail address is nobody else's business. */
import { TeamId } from '@headgate/domain/team'
import { NewUser, User, UserChange } from '@headgate/domain/user'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const users = thingOperations({
  path: '/users',
  id: 'userId',
  thing: 'user',
  called: 'a user',
  shape: User,
  create: NewUser,
  change: UserChange,
  sorts: ['created_at', 'name'],
  filters: { teamId: TeamId.optional(), q: NamePart },
  readRight: 'users.read',
  writeRight: 'users.write',
  changesCatalog: false,
})
