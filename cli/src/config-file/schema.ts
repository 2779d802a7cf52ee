/** `headgate config schema`: the JSON Schema of the file, for editors and other programmes. */
import { renameSchema } from '@headgate/admin-contract/wire'
import { z } from 'zod'
import type { OwnCommand } from '../command.ts'
import { ConfigFile } from './shape.ts'

export const schemaCommand: OwnCommand = {
  kind: 'own',
  words: ['config', 'schema'],
  summary: 'Prints the JSON Schema of the file.',
  positionals: [],
  flags: [],
  examples: ['headgate config schema > config.schema.json'],
  run: async ({ io }) => {
    await io.out(configSchemaText())
    return 'done'
  },
}

/** The schema as text; equal shapes give equal bytes. */
export function configSchemaText(): string {
  const schema = z.toJSONSchema(ConfigFile, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description
      if (description !== undefined) jsonSchema.description = description
      // The pattern of an instant says again, in 300 characters, what its format says.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
    },
  })
  const { $schema, ...rest } = renameSchema(schema) as Record<string, unknown>
  return `${JSON.stringify({ $schema, title: 'The configuration of Headgate', ...rest }, null, 2)}\n`
}
