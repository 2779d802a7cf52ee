/** GET /models and GET /models/{model} through the official clients: only what the key may use. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientNames, clients, isFarAway, openTarget, refusalOf, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

describe.each(clientNames)('%s', (name) => {
  const ids = async (key = target.key) =>
    (await clients[name](target, key).models.list()).data.map((it) => it.id)

  test('lists the models in OpenAI’s shape, by name', async () => {
    const list = await clients[name](target).models.list()
    const [first] = list.data
    expect(first).toMatchObject({ object: 'model', owned_by: 'headgate' })
    expect(first?.created).toBeTypeOf('number')
    const found = list.data.map((it) => it.id)
    expect(found).toEqual([...found].sort())
    expect(found).toEqual(expect.arrayContaining([...target.chatModels]))
  })

  test.skipIf(isFarAway)('lists only what the key, its app and its team may use', async () => {
    expect(await ids(target.own?.keys.twoModels)).toEqual(['gpt-4o', 'gpt-4o-mini'])
    expect(await ids(target.own?.keys.narrowApp)).toEqual(['gpt-4o'])
  })

  test('retrieves one model', async () => {
    for (const model of target.chatModels) {
      expect(await clients[name](target).models.retrieve(model)).toMatchObject({ id: model, object: 'model' })
    }
  })

  test('cannot tell a model it may not use from one that does not exist', async () => {
    const key = target.own?.keys.twoModels ?? target.key
    const hidden = await refusalOf(clients[name](target, key).models.retrieve('demo-chat-none'))
    expect([hidden.status, hidden.code]).toEqual([404, 'model_not_found'])
    if (target.own === null) return
    const forbidden = await refusalOf(clients[name](target, key).models.retrieve('demo-chat'))
    expect([forbidden.status, forbidden.code]).toEqual([404, 'model_not_found'])
  })

  test('is refused without a valid key', async () => {
    const error = await refusalOf(clients[name](target, 'nonsense').models.list())
    expect([error.status, error.code]).toEqual([401, 'key_invalid'])
  })
})
