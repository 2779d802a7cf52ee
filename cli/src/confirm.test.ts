/** Leave to delete is given by the name of what deletes, and by nothing else. */
import { AdminProblem } from '@headgate/admin-contract/problem'
import { expect, test } from 'vitest'
import type { Run } from './command.ts'
import { asksToDelete, confirmDeletion } from './confirm.ts'

const message = '12 usage records of 3 days would be deleted, from 2026-01-01 up to 2026-01-04'
const problem = new AdminProblem('conflict', 'Nothing was changed.', {
  faults: [{ pointer: '/value', code: 'would_delete', message, fix: '' }],
})

/** A terminal at which this is typed. */
function runThat(types: string, { canAsk = true, yes = false } = {}) {
  const said: string[] = []
  const io = { canAsk, say: (text: string) => said.push(text), ask: async () => types }
  return { said, run: { io, has: (flag: string) => flag === 'yes' && yes } as unknown as Run }
}

test('only a refusal that would delete something asks for leave', () => {
  expect(asksToDelete(problem)).toBe(true)
  expect(asksToDelete(new AdminProblem('conflict', 'Nothing was changed.'))).toBe(false)
  expect(asksToDelete(new Error('would_delete'))).toBe(false)
})

test('what would be deleted is said, and only the name gives leave', async () => {
  const right = runThat('keep_records_days')
  await confirmDeletion(problem, 'keep_records_days', right.run)
  expect(right.said.join(' ')).toContain(message)
  for (const typed of ['', 'y', 'yes'])
    await expect(confirmDeletion(problem, 'keep_records_days', runThat(typed).run)).rejects.toThrow(
      'nothing was done',
    )
})

test('where nobody can be asked it is refused, unless --yes was said', async () => {
  const asked = confirmDeletion(problem, 'keep_records_days', runThat('', { canAsk: false }).run)
  await expect(asked).rejects.toThrow(/12 usage records .* say --yes/)
  await confirmDeletion(problem, 'keep_records_days', runThat('', { canAsk: false, yes: true }).run)
})
