/** What the admin API does with users. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { users } from '@headgate/admin-contract/users'
import type { NewUser, User, UserChange } from '@headgate/domain/user'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const usersHandlers: Handlers<typeof users, HandlerContext> = thingHandlers<User, NewUser, UserChange>(
  { table: 'users', prefix: 'usr' },
)
