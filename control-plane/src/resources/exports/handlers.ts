/** What the admin API does with exports. The files themselves are made by a job. */
import { contentTypes } from '@headgate/admin-contract/download'
import type { exports } from '@headgate/admin-contract/exports'
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { isUnderWay, type UsageExport } from '@headgate/domain/usage-export'
import { created, found, type HandlerContext } from '../context.ts'
import {
  cancelExport,
  insertExport,
  listExports,
  lockExport,
  readExport,
  readPart,
  readSidecar,
} from './queries.ts'

export const exportsHandlers: Handlers<typeof exports, HandlerContext> = {
  list: ({ query }, { db }) => listExports(db, query),
  create: async ({ body }, { db, newId, now, teamIds }) =>
    created(
      await insertExport(db, { ...body, id: newId('exp'), createdAt: now, teamIds: teamIds && [...teamIds] }),
    ),
  read: async ({ params }, { db }) => found(await readExport(db, params.exportId)),
  download: async ({ params }, { db }) => {
    const it = found(await readExport(db, params.exportId))
    if (it.state !== 'done')
      throw new AdminProblem('conflict', `The export is ${it.state}: there is no file.`)
    return {
      fileName: `${it.id}.${it.format}`,
      contentType: contentTypes[it.format],
      body: partsOf(db, it),
    }
  },
  sidecar: async ({ params }, { db }) => {
    const it = found(await readExport(db, params.exportId))
    const sidecar = await readSidecar(db, it.id)
    if (it.state !== 'done')
      throw new AdminProblem('conflict', `The export is ${it.state}: there is no file.`)
    if (sidecar === null)
      throw new AdminProblem('conflict', 'The file was made before files had a sidecar: ask for it anew.')
    return sidecar
  },
  cancel: async ({ params }, { db, now }) => {
    const before = found(await lockExport(db, params.exportId))
    if (before.state === 'cancelled') return { changed: false, reply: before }
    if (!isUnderWay(before.state))
      throw new AdminProblem('conflict', `The export is ${before.state} already.`)
    const after = await cancelExport(db, before.id, now)
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
}

/** @throws Error when parts are gone meanwhile, so that what was sent does not pass for the whole file */
async function* partsOf(
  db: HandlerContext['db'],
  { id, bytes }: Pick<UsageExport, 'id' | 'bytes'>,
): AsyncGenerator<Uint8Array> {
  let left = bytes
  for (let number = 0; left > 0; number++) {
    const part = await readPart(db, id, number)
    if (part === undefined) throw new Error(`the file of ${id} was removed while it was sent`)
    left -= part.length
    yield part
  }
}
