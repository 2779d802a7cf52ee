-- The whole admin API: what was removed is kept, repeats are recognised, keys have more than one secret while
-- they are rotated, and changes can be gathered in drafts.

-- What was removed, as it was. Nothing refers to it, and its name is free.
create table archived_things (
  id text collate "C" constraint archived_things_id_pkey primary key,
  kind text not null,
  name text,
  archived_at timestamptz not null,
  archived_by text not null,
  thing jsonb not null
);
create index archived_things_kind on archived_things (kind, id);

-- What a write with an Idempotency-Key was answered, sealed under a key that is not in this database: one of
-- these answers holds the secret of a proxy key. Kept for 24 hours.
create table idempotent_replies (
  actor text not null,
  operation text not null,
  key text not null,
  -- Keyed digest of the request, to tell a repeat from another request.
  request_digest text not null check (request_digest ~ '^[0-9a-f]{64}$'),
  status integer not null,
  sealed_reply text not null,
  created_at timestamptz not null,
  constraint idempotent_replies_key_pkey primary key (actor, operation, key)
);
create index idempotent_replies_created_at on idempotent_replies (created_at);

-- The secrets of a key: one is current, one may be next (made ahead of its time), old ones work until they end.
create table key_secrets (
  -- Hex HMAC-SHA-256 of the secret under a pepper that is not in this database.
  digest text collate "C" constraint key_secrets_digest_pkey primary key check (digest ~ '^[0-9a-f]{64}$'),
  key_id text collate "C" not null constraint key_secrets_key_id_fkey references proxy_keys (id) on delete cascade,
  number integer not null check (number >= 1),
  pepper_version integer not null check (pepper_version >= 1),
  last_four text not null check (length(last_four) = 4),
  stage text not null check (stage in ('next', 'current', 'old')),
  created_at timestamptz not null,
  -- Of a next one: when it becomes current. Of the others: when they did.
  starts_at timestamptz not null,
  -- How long the one before works beside it.
  grace_minutes integer not null check (grace_minutes between 0 and 1440),
  ends_at timestamptz,
  constraint key_secrets_number_key unique (key_id, number),
  constraint key_secrets_ends_at_check check ((stage = 'old') = (ends_at is not null))
);
create unique index key_secrets_stage on key_secrets (key_id, stage) where stage <> 'old';
create index key_secrets_starts_at on key_secrets (starts_at) where stage = 'next';
create index key_secrets_ends_at on key_secrets (ends_at) where stage = 'old';
insert into key_secrets (digest, key_id, number, pepper_version, last_four, stage, created_at, starts_at, grace_minutes)
  select digest, id, 1, pepper_version, last_four, 'current', created_at, created_at, 0 from proxy_keys;
alter table proxy_keys drop column digest, drop column pepper_version;
create index proxy_keys_expires_at on proxy_keys (expires_at, id) where expires_at is not null;

-- Which secret of its key a call came with, and which client sent it; only while a key is being rotated.
alter table usage_records add column secret_number integer, add column client text;
create index usage_records_secret_number on usage_records (key_id, started_at) where secret_number is not null;

-- Changes gathered to be published together or not at all.
create table drafts (
  id text collate "C" constraint drafts_id_pkey primary key check (id like 'dft\_%'),
  name text not null,
  -- [{ "operation", "params", "body", "ifMatch" }], in the order they are done.
  items jsonb not null check (jsonb_typeof(items) = 'array'),
  state text not null check (state in ('open', 'published')),
  created_by text not null,
  created_at timestamptz not null,
  published_version bigint,
  constraint drafts_published_version_check check ((state = 'published') = (published_version is not null))
);

create index audit_events_at on audit_events (at, id);
create index audit_events_action on audit_events (action, id);
create index audit_events_actor on audit_events (actor, id);
