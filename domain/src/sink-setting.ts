/** A sink setting says where copies of usage go, and from when on a copy is behind. */

const withAdmin = ['control-plane', 'standalone'] as const

/** In the order people meet them. */
export const sinkSettings = [
  {
    name: 'HEADGATE_COSMOS_ENDPOINT',
    readBy: withAdmin,
    default: null,
    secret: false,
    meaning:
      'The Cosmos DB account that is given a copy of all usage, as `https://my-account.documents.azure.com`. None: no such sink. See [sinks](../guides/sinks.md).',
  },
  {
    name: 'HEADGATE_COSMOS_DATABASE',
    readBy: withAdmin,
    default: 'headgate',
    secret: false,
    meaning: 'The database there. It is looked for and never made.',
  },
  {
    name: 'HEADGATE_COSMOS_CONTAINER',
    readBy: withAdmin,
    default: 'usage',
    secret: false,
    meaning:
      'The container there, with the partition key path `/partition`. It is looked for and never made.',
  },
  {
    name: 'HEADGATE_COSMOS_KEY',
    readBy: withAdmin,
    default: null,
    secret: false,
    meaning:
      'Where the key of the account is, as `env://NAME`, `file://name` or `kv://vault/name`. None: the identity of the process is used.',
  },
  {
    name: 'HEADGATE_COSMOS_TTL_DAYS',
    readBy: withAdmin,
    default: null,
    secret: false,
    meaning: 'After how many days Cosmos DB removes an item. None: what the container says.',
  },
  {
    name: 'HEADGATE_COSMOS_FROM',
    readBy: withAdmin,
    default: 'now',
    secret: false,
    meaning:
      'From where the copy begins: `now`, which is the first start with this account, or a day or an instant that has passed, as `2026-11-01`. Another one gives the past again.',
  },
  {
    name: 'HEADGATE_SINK_LAG_SECONDS',
    readBy: withAdmin,
    default: '900',
    secret: false,
    meaning: 'From how many seconds behind on a sink is called `lagging`.',
  },
] as const
