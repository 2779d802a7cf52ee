/** An alias with the name of a model leads to that model, or says that it does not mean to. */
import { expect, test } from 'vitest'
import { shadowingAliases } from './known-model.ts'

const document = (name: string, models: string[], overridesModel = false) => ({
  deployments: models.map((pricedAs, at) => ({ id: `dep_${at}`, pricedAs })),
  aliases: [{ id: 'ali_1', name, overridesModel }],
  routes: [
    {
      aliasId: 'ali_1',
      rules: [],
      tiers: [models.map((_, at) => ({ deploymentId: `dep_${at}`, weight: 1 }))],
    },
  ],
})
const listed = new Set(['gpt-4o', 'gpt-4o-mini'])

test.each([
  ['its own model', 'gpt-4o', ['gpt-4o']],
  ['a version of its own model', 'gpt-4o', ['gpt-4o-2024-08-06']],
  ['any model, under a name that no model has', 'chat', ['gpt-4o', 'gpt-4o-mini']],
])('an alias may lead to %s', (_, name, models) => {
  expect(shadowingAliases(document(name, models), listed)).toEqual([])
})

test('an alias with the name of a model that leads to another one is told of, unless it says so', () => {
  const told = [{ aliasId: 'ali_1', name: 'gpt-4o', servedBy: ['gpt-4o-mini'] }]
  expect(shadowingAliases(document('gpt-4o', ['gpt-4o', 'gpt-4o-mini']), listed)).toEqual(told)
  expect(shadowingAliases(document('gpt-4o', ['gpt-4o-mini'], true), listed)).toEqual([])
})

test('a model that is deployed is known without any list', () => {
  const models = ['our-model', 'other-model']
  expect(shadowingAliases(document('our-model', models), new Set())).toHaveLength(1)
})
