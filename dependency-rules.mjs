/**
 * Who may import whom: the walls of the house, which the manifests alone cannot hold because npm puts all
 * packages side by side. The numbers are those of the dependency rule in ARCHITECTURE.md, whose picture is
 * drawn by the same tool (`node scripts/draw-architecture.mjs`), so it cannot lie.
 */

/** Tests stand outside the walls: they may compose anything to try it out. */
const TEST = '[.]test[.]ts$'
/**
 * The two kinds of file that compose. A local-server.ts starts somebody else's server beside us; like a
 * main.ts it belongs to no plane's working code, and rule 4 lets only composition import it.
 */
const COMPOSITION = '/(main|local-server|local-binaries)[.]ts$'
const OURS = [
  'domain',
  'admin-contract',
  'adapters',
  'data-plane',
  'control-plane',
  'standalone',
  'fake-upstream',
  'cli',
]

/** Everything of ours but these. */
function allBut(...allowed) {
  return `^(${OURS.filter((name) => !allowed.includes(name)).join('|')})/`
}

/** A wall around a package: from it, only itself and `allowed` can be reached. */
function wall(name, from, comment, ...allowed) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: `^${from}/`, pathNot: [TEST, COMPOSITION] },
    to: { path: allBut(from, ...allowed) },
  }
}

/** Within a package: files in the `from` folders must not import files in the `to` folders. */
function floor(name, from, to, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: `^${from}/`, pathNot: TEST },
    to: { path: `^${to}/` },
  }
}

const dependencyRule = [
  wall(
    '1-domain-imports-nothing-of-ours',
    'domain',
    'The words depend on nothing, so everything can depend on them.',
  ),
  {
    name: '1-domain-needs-no-node',
    comment:
      'No I/O, no clock, no environment: the domain runs in the browser too, where node: does not exist.',
    severity: 'error',
    from: { path: '^domain/', pathNot: TEST },
    to: { dependencyTypes: ['core'] },
  },
  wall(
    '2-adapters-import-domain-only',
    'adapters',
    'An adapter serves both planes; knowing one would tie the other to it.',
    'domain',
  ),
  wall(
    '2-admin-contract-imports-domain-only',
    'admin-contract',
    'The contract is data for server, client and documents alike; it may bring no server code into a browser.',
    'domain',
  ),
  wall(
    '3-data-plane-imports-domain-only',
    'data-plane',
    'The plane that must stay up holds no admin code: less to attack, less to break, a small image.',
    'domain',
  ),
  wall(
    '3-control-plane-imports-domain-and-admin-contract',
    'control-plane',
    'The control plane talks to gateways through what it publishes, never through their code.',
    'domain',
    'admin-contract',
  ),
  wall(
    '3-cli-imports-domain-and-admin-contract',
    'cli',
    'The CLI is a client of the admin API and nothing more: what it can do, anybody can.',
    'domain',
    'admin-contract',
  ),
  wall(
    '3-fake-upstream-imports-nothing-of-ours',
    'fake-upstream',
    'It stands for a stranger. Sharing code with us, it would share our mistakes and prove nothing.',
  ),
  {
    name: '4-only-composition-imports-adapters',
    comment:
      'Only a main.ts chooses how the outside world is reached. All else takes it as an argument, typed by ' +
      'domain/src/ports.ts, and so can be tested and read without it.',
    severity: 'error',
    from: { path: '^(data-plane|control-plane|standalone)/', pathNot: [TEST, COMPOSITION] },
    to: { path: '^adapters/' },
  },
  {
    name: '4-only-composition-starts-servers',
    comment: 'A server of our own is for evaluation and tests: no working code may come to lean on it.',
    severity: 'error',
    from: { path: `^(${OURS.join('|')})/`, pathNot: [TEST, COMPOSITION] },
    to: { path: '/local-(server|binaries)[.]ts$' },
  },
  {
    name: '5-planes-never-meet',
    comment: 'Each plane is deployed, scaled and broken into by itself; an import would make them one.',
    severity: 'error',
    from: { path: '^(data|control)-plane/' },
    to: { path: '^(data|control)-plane/', pathNot: '^$1-plane/' },
  },
  {
    name: '5-nothing-imports-standalone',
    comment: 'Standalone is the roof: both planes in one process. Nothing stands on it.',
    severity: 'error',
    from: { path: `^(${OURS.join('|')})/`, pathNot: '^standalone/' },
    to: { path: '^standalone/' },
  },
]

const floorsOfThePlanes = [
  floor(
    '6-pipeline-knows-no-http',
    'data-plane/src/(pipeline|endpoints|upstreams)',
    'data-plane/src/http',
    'A stage can be tested with plain values only as long as it does not know the socket.',
  ),
  floor(
    '6-endpoints-and-upstreams-know-no-pipeline',
    'data-plane/src/(endpoints|upstreams)',
    'data-plane/src/pipeline',
    'They are facts about a protocol and a provider; what happens to a call is decided above them.',
  ),
  floor(
    '6-endpoints-know-no-upstreams',
    'data-plane/src/endpoints',
    'data-plane/src/upstreams',
    'Any endpoint works at any provider; sideways knowledge would make a table of exceptions.',
  ),
  {
    name: '6-upstreams-know-no-endpoints',
    comment:
      'An upstream knows addresses and credentials and nothing about bodies: what an endpoint is (endpoint.ts), ' +
      'to make its address, but no single one of them.',
    severity: 'error',
    from: { path: '^data-plane/src/upstreams/', pathNot: TEST },
    to: { path: '^data-plane/src/endpoints/', pathNot: '^data-plane/src/endpoints/endpoint[.]ts$' },
  },
  floor(
    '6-tokenizer-knows-endpoints-only',
    'data-plane/src/tokenizer',
    'data-plane/src/(http|pipeline|upstreams|observe)',
    'It runs in a thread of its own, which holds what it imports a second time.',
  ),
  floor(
    '6-endpoints-know-no-tokenizer',
    'data-plane/src/(endpoints|upstreams|message)',
    'data-plane/src/tokenizer',
    'What is text in a body is a fact about an endpoint; who counts it is decided above.',
  ),
  floor(
    '6-data-plane-observe-is-a-leaf',
    'data-plane/src/observe',
    'data-plane/src/(http|pipeline|endpoints|upstreams|tokenizer)',
    'All may call observe; if it called back, watching a call could change it.',
  ),
  floor(
    '6-data-plane-message-is-a-leaf',
    'data-plane/src/message',
    'data-plane/src/(http|pipeline|endpoints|upstreams|observe)',
    'What comes in and goes out is the same for all floors above; knowing one, it could not serve the others.',
  ),
  floor(
    '6-resources-know-no-http',
    'control-plane/src/(resources|database|catalog|jobs|exporters)',
    'control-plane/src/http',
    'Sign-in, roles and audit are the business of the floor above, once for all resources.',
  ),
  floor(
    '6-database-is-the-ground-floor',
    'control-plane/src/database',
    'control-plane/src/(resources|catalog|jobs|exporters)',
    'SQL and migrations know no caller, so that every caller sees the same truth.',
  ),
  {
    name: '6-resources-are-neighbours-not-friends',
    comment:
      'A resource that reads another one’s tables grows into it. What two share belongs to the database floor.',
    severity: 'error',
    from: { path: '^control-plane/src/resources/([^/]+)/', pathNot: TEST },
    to: { path: '^control-plane/src/resources/[^/]+/', pathNot: '^control-plane/src/resources/$1/' },
  },
]

const houseKeeping = [
  {
    name: 'no-cycles',
    comment: 'Two files in a circle are one file that is hard to read.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-orphans',
    comment: 'A file that nothing imports and that imports nothing is forgotten.',
    severity: 'error',
    from: { orphan: true, pathNot: [TEST, '/main[.]ts$'] },
    to: {},
  },
  {
    name: 'no-dead-files',
    comment:
      'Product code that no main.ts reaches runs nowhere, however well it is tested. A thread of its own begins at a ' +
      'file that is named, not imported.',
    severity: 'error',
    from: { path: '/(main|[a-z-]+-worker)[.]ts$' },
    to: {
      path: `^(${OURS.join('|')})/src/.*[.]ts$`,
      pathNot: [TEST, '/(main|[a-z-]+-worker)[.]ts$', '^adapters/src/contracts/'],
      reachable: false,
    },
  },
  {
    name: 'no-tests-in-the-product',
    comment: 'Test code and test servers must not reach an image.',
    severity: 'error',
    from: { path: `^(${OURS.join('|')})/`, pathNot: [TEST, '^adapters/src/contracts/'] },
    to: { path: [TEST, '^tests/', '^adapters/src/contracts/'] },
  },
  {
    name: 'no-unresolvable-imports',
    comment: 'An import that cannot be found would slip past every other rule.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
]

/** @public The tool loads it by file. */
export default {
  forbidden: [...dependencyRule, ...floorsOfThePlanes, ...houseKeeping],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)node_modules/[.]' },
    // A type from the wrong side is a dependency as well: it says who must change with whom.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
}
