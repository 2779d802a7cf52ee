import { expect, test } from 'vitest'
import {
  classesHaveNoFamilies,
  environmentIsReadInConfig,
  modulesHaveNoState,
  nothingIsExportedByDefault,
  nothingIsReExported,
  statementsAreNotBuilt,
} from './code-rules.ts'
import { fileOpensWithItsPurpose, promisesNameTheirIssue } from './comment-rules.ts'
import {
  glossaryWords,
  indexIsAList,
  nameIsKebabCase,
  nameSaysSomething,
  wordIsInGlossary,
} from './name-rules.ts'
import {
  lockfileHoldsHashes,
  lockfileNamesNoAddress,
  noMachineIsNamed,
  versionsAreExact,
} from './package-rules.ts'
import { fileIsShort, functionsAreShort } from './size-rules.ts'
import type { Rule } from './source-file.ts'

/** A rule that cannot fail is no rule: each gets something to refuse, and its nearest innocent neighbour. */
type Trial = { rule: Rule; refuses: [path: string, text: string][]; allows: [path: string, text: string][] }

const PLACE = 'adapters/src/redis/client.ts'
const lines = (count: number) => 'const a = 1\n'.repeat(count)
const locked = (entry: object) => JSON.stringify({ packages: { '': {}, 'node_modules/pg': entry } })
const mark = ['TO', 'DO'].join('')
const home = ['', 'home', 'ada', 'headgate'].join('/')

const trials: Record<string, Trial> = {
  'file size': {
    rule: fileIsShort,
    refuses: [[PLACE, lines(401)]],
    allows: [
      [PLACE, lines(400)],
      ['adapters/src/redis/reserve.lua', lines(401)],
      ['docs/reference/settings.md', lines(401)],
    ],
  },
  'function size': {
    rule: functionsAreShort,
    refuses: [
      [PLACE, `function f() {\n${lines(69)}}`],
      [PLACE, `const f = () => {\n${lines(69)}}`],
      ['domain/src/app.test.ts', `test('one', () => {\n${lines(69)}})`],
      [PLACE, `const f = { get it() {\n${lines(69)}return a } }`],
    ],
    allows: [
      [PLACE, `function f() {\n${lines(68)}}`],
      ['domain/src/app.test.ts', `describe('all', () => {\n${lines(80)}test('one', () => {})\n})`],
    ],
  },
  'empty names': {
    rule: nameSaysSomething,
    refuses: [
      ['domain/src/utils.ts', ''],
      ['domain/src/key-manager.ts', ''],
      ['control-plane/src/services/keys.ts', ''],
      ['domain/src/helpers.test.ts', ''],
    ],
    allows: [
      ['control-plane/src/database/open.ts', ''],
      ['data-plane/src/base-address.ts', ''],
    ],
  },
  'kebab case': {
    rule: nameIsKebabCase,
    refuses: [
      ['domain/src/proxyKey.ts', ''],
      ['domain/src/Proxy-key.ts', ''],
      ['domain/src/proxy_key.test.ts', ''],
    ],
    allows: [
      ['domain/src/proxy-key.test.ts', ''],
      ['vitest.config.ts', ''],
    ],
  },
  'index files': {
    rule: indexIsAList,
    refuses: [
      ['domain/src/index.ts', ''],
      ['data-plane/src/endpoints/chat/index.ts', ''],
    ],
    allows: [['data-plane/src/endpoints/index.ts', '']],
  },
  'the opening comment': {
    rule: fileOpensWithItsPurpose,
    refuses: [
      [PLACE, 'export const a = 1'],
      [PLACE, '/**\n */\nexport const a = 1'],
      [PLACE, `/**\n${' * a line\n'.repeat(7)} */`],
      [PLACE, "import a from 'a'\n// Says why, too late."],
    ],
    allows: [
      [PLACE, '/** Says why. */'],
      [PLACE, `/**\n${' * a line\n'.repeat(6)} */`],
      [PLACE, '// Says why.\nexport const a = 1'],
      ['scripts/a.mjs', '#!/usr/bin/env node\n/** Says why. */'],
      ['domain/src/app.test.ts', "import { test } from 'vitest'"],
    ],
  },
  'promises in comments': {
    rule: promisesNameTheirIssue,
    refuses: [
      [PLACE, `// ${mark} later`],
      ['control-plane/src/database/migrations/0001-begin.sql', `-- ${mark}: index`],
    ],
    allows: [
      [PLACE, `// ${mark}(#12) 2026-11-23 later`],
      [PLACE, `// a ${mark}ne of things`],
    ],
  },
  'the environment': {
    rule: environmentIsReadInConfig,
    refuses: [
      [PLACE, 'const a = process.env.PATH'],
      [PLACE, "const a = process['env']"],
      [PLACE, 'const { env } = globalThis.process.env'],
      [PLACE, "import { env } from 'node:process'"],
      ['domain/src/app.test.ts', "process.env['A'] = '1'"],
    ],
    allows: [
      ['data-plane/src/config.ts', 'const a = process.env'],
      ['scripts/bootstrap.mjs', 'const a = process.env'],
      ['tests/servers/environment.ts', 'const a = process.env'],
      [PLACE, "// process.env is not read here\nconst a = 'process.env'"],
    ],
  },
  're-exports': {
    rule: nothingIsReExported,
    refuses: [
      [PLACE, "export * from './a.ts'"],
      [PLACE, "export { a } from './a.ts'"],
      [PLACE, "export type { A } from './a.ts'"],
    ],
    allows: [[PLACE, 'const a = 1\nexport { a }']],
  },
  'default exports': {
    rule: nothingIsExportedByDefault,
    refuses: [
      [PLACE, 'export default function f() {}'],
      [PLACE, 'export default { a: 1 }'],
      [PLACE, 'export default class A {}'],
    ],
    allows: [
      [PLACE, 'export function f() {}'],
      ['vitest.config.ts', 'export default {}'],
    ],
  },
  'state in modules': {
    rule: modulesHaveNoState,
    refuses: [
      [PLACE, 'let count = 0'],
      [PLACE, 'export let count = 0'],
      [PLACE, 'var count = 0'],
    ],
    allows: [
      [PLACE, 'const COUNT = 0\nfunction f() { let count = 0; return count }'],
      ['domain/src/app.test.ts', 'let count = 0'],
    ],
  },
  'families of classes': {
    rule: classesHaveNoFamilies,
    refuses: [[PLACE, 'export abstract class A {}']],
    allows: [[PLACE, 'export class A extends Error {}']],
  },
  'built statements': {
    rule: statementsAreNotBuilt,
    refuses: [
      [PLACE, `db.query(\`SELECT * FROM apps WHERE id = \${id}\`)`],
      [PLACE, "db.query('SELECT * FROM apps WHERE id = ' + id)"],
      [PLACE, "query(['SELECT', id].join(' '))"],
      [PLACE, `sql.raw(\`\${column}\`)`],
      [PLACE, `redis.eval(\`return \${value}\`)`],
    ],
    allows: [
      [PLACE, "db.query('SELECT * FROM apps WHERE id = $1', [id])"],
      [PLACE, "db.query('SELECT * ' + 'FROM apps')"],
      [PLACE, `/a b/.exec(\`\${a} b\`)`],
      [PLACE, `sql\`SELECT * FROM apps WHERE id = \${id}\``],
    ],
  },
  'exact versions': {
    rule: versionsAreExact,
    refuses: [
      ['domain/package.json', '{"dependencies":{"zod":"^4.6.7"}}'],
      ['package.json', '{"devDependencies":{"zod":"*"}}'],
      ['package.json', '{"optionalDependencies":{"zod":"latest"}}'],
    ],
    allows: [
      [
        'domain/package.json',
        '{"dependencies":{"zod":"4.6.7","pg":"18.4.0-beta.17"},"engines":{"node":">=20"}}',
      ],
    ],
  },
  'addresses in lockfiles': {
    rule: lockfileNamesNoAddress,
    refuses: [
      ['package-lock.json', locked({ resolved: 'https://registry.example/pg.tgz', integrity: 'sha512-a' })],
    ],
    allows: [['package-lock.json', locked({ resolved: 'domain', link: true })]],
  },
  'hashes in lockfiles': {
    rule: lockfileHoldsHashes,
    refuses: [
      ['package-lock.json', locked({ version: '1.0.0' })],
      ['tools/node/package-lock.json', locked({ version: '1.0.0', integrity: 'sha1-a' })],
    ],
    allows: [['package-lock.json', locked({ version: '1.0.0', integrity: 'sha512-a' })]],
  },
  'folders of one machine': {
    rule: noMachineIsNamed,
    refuses: [
      ['README.md', `see ${home}`],
      ['biome.json', `{"a":"${home}"}`],
      ['.ci/run', `cd ${home}`],
    ],
    allows: [
      ['README.md', `see https://example.com${home}`],
      ['README.md', 'the folder `.headgate/` at home/'],
    ],
  },
  'words without a line': {
    rule: wordIsInGlossary(
      glossaryWords('| word | means |\n|---|---|\n| **team / app** | owns |\n| proxy key | a |'),
    ),
    refuses: [
      ['domain/src/limit.ts', ''],
      ['domain/src/key.ts', ''],
    ],
    allows: [
      ['domain/src/app.ts', ''],
      ['domain/src/proxy-key.ts', ''],
      ['domain/src/proxy-key.test.ts', ''],
      ['adapters/src/journal/segment.ts', ''],
    ],
  },
}

test.for(Object.entries(trials))('the rule on %s refuses what it is for, and no more', ([, trial]) => {
  for (const [path, text] of trial.refuses)
    expect(trial.rule({ path, text }), `${path}: ${text}`).not.toEqual([])
  for (const [path, text] of trial.allows) expect(trial.rule({ path, text }), `${path}: ${text}`).toEqual([])
})
