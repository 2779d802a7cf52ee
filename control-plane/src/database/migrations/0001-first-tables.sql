-- The first tables: who may call, what serves them, what it costs, what was used, who changed what.
-- Works on Postgres 15 and newer. Names of constraints matter: <table>_<column>_<kind>, because the admin API
-- reads from them which field was at fault. No column may hold a secret: keys are kept as keyed digests,
-- credentials of providers as references. Ids sort by birth, so the collation is "C" wherever they stand.

create table teams (
  id text collate "C" constraint teams_id_pkey primary key check (id like 'team\_%'),
  name text not null constraint teams_name_key unique,
  allowed_models text[],
  created_at timestamptz not null
);

create table apps (
  id text collate "C" constraint apps_id_pkey primary key check (id like 'app\_%'),
  team_id text collate "C" not null constraint apps_team_id_fkey references teams (id),
  name text not null,
  allowed_models text[],
  created_at timestamptz not null,
  constraint apps_name_key unique (team_id, name),
  -- So that a key can be held to an app of its own team.
  constraint apps_id_team_key unique (id, team_id)
);

create table users (
  id text collate "C" constraint users_id_pkey primary key check (id like 'usr\_%'),
  team_id text collate "C" not null constraint users_team_id_fkey references teams (id),
  name text not null,
  email text,
  created_at timestamptz not null,
  constraint users_id_team_key unique (id, team_id)
);
create index users_team_id on users (team_id, id);

create table proxy_keys (
  id text collate "C" constraint proxy_keys_id_pkey primary key check (id like 'key\_%'),
  name text not null,
  environment text not null check (environment in ('live', 'test', 'demo')),
  team_id text collate "C" not null constraint proxy_keys_team_id_fkey references teams (id),
  app_id text collate "C" not null,
  user_id text collate "C",
  state text not null check (state in ('active', 'disabled', 'revoked')),
  -- Hex HMAC-SHA-256 of the key under a pepper that is not in this database.
  digest text collate "C" not null constraint proxy_keys_digest_key unique check (digest ~ '^[0-9a-f]{64}$'),
  pepper_version integer not null check (pepper_version >= 1),
  last_four text not null check (length(last_four) = 4),
  allowed_models text[],
  requests_per_minute bigint check (requests_per_minute >= 0),
  tokens_per_minute bigint check (tokens_per_minute >= 0),
  expires_at timestamptz,
  created_at timestamptz not null,
  -- False from the change of a row until the gateways' directory has been told.
  is_published boolean not null default false,
  constraint proxy_keys_app_id_fkey foreign key (app_id, team_id) references apps (id, team_id),
  constraint proxy_keys_user_id_fkey foreign key (user_id, team_id) references users (id, team_id)
);
create index proxy_keys_team_id on proxy_keys (team_id, id);
create index proxy_keys_app_id on proxy_keys (app_id, id);
create index proxy_keys_user_id on proxy_keys (user_id, id) where user_id is not null;
create index proxy_keys_unpublished on proxy_keys (id) where not is_published;

create table resources (
  id text collate "C" constraint resources_id_pkey primary key check (id like 'res\_%'),
  name text not null constraint resources_name_key unique,
  api_style text not null check (api_style in ('openai', 'azure-v1', 'azure-dated')),
  origin text not null check (origin ~ '^https?://[a-z0-9.-]+(:[0-9]+)?$'),
  api_version text,
  -- A reference such as env://NAME; the form keeps a pasted secret out.
  secret_ref text not null constraint resources_secret_ref_check check (secret_ref ~ '^(env|kv|db)://[A-Za-z0-9_/-]+$'),
  created_at timestamptz not null,
  constraint resources_api_version_check check ((api_style = 'azure-dated') = (api_version is not null))
);

create table quotas (
  id text collate "C" constraint quotas_id_pkey primary key check (id like 'quo\_%'),
  resource_id text collate "C" not null constraint quotas_resource_id_fkey references resources (id),
  name text not null,
  requests_per_minute bigint check (requests_per_minute >= 1),
  tokens_per_minute bigint check (tokens_per_minute >= 1),
  created_at timestamptz not null,
  constraint quotas_name_key unique (resource_id, name),
  constraint quotas_id_resource_key unique (id, resource_id)
);

create table deployments (
  id text collate "C" constraint deployments_id_pkey primary key check (id like 'dep\_%'),
  name text not null constraint deployments_name_key unique,
  resource_id text collate "C" not null constraint deployments_resource_id_fkey references resources (id),
  quota_id text collate "C",
  upstream_model text not null,
  priced_as text not null,
  created_at timestamptz not null,
  -- A deployment draws on a quota of its own resource or on none.
  constraint deployments_quota_id_fkey foreign key (quota_id, resource_id) references quotas (id, resource_id)
);
create index deployments_resource_id on deployments (resource_id, id);
create index deployments_quota_id on deployments (quota_id) where quota_id is not null;

create table model_aliases (
  id text collate "C" constraint model_aliases_id_pkey primary key check (id like 'ali\_%'),
  name text not null constraint model_aliases_name_key unique,
  created_at timestamptz not null
);

create table routes (
  id text collate "C" constraint routes_id_pkey primary key check (id like 'rte\_%'),
  alias_id text collate "C" not null
    constraint routes_alias_id_key unique
    constraint routes_alias_id_fkey references model_aliases (id),
  -- [[{ "deploymentId", "weight" }]]; that its deployments exist is checked when the catalog is compiled.
  tiers jsonb not null check (jsonb_typeof(tiers) = 'array' and jsonb_array_length(tiers) > 0),
  created_at timestamptz not null
);

create table prices (
  id text collate "C" constraint prices_id_pkey primary key check (id like 'pri\_%'),
  model text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  input_nanos_per_million bigint not null check (input_nanos_per_million >= 0),
  cached_input_nanos_per_million bigint not null check (cached_input_nanos_per_million >= 0),
  output_nanos_per_million bigint not null check (output_nanos_per_million >= 0),
  effective_from timestamptz not null,
  created_at timestamptz not null,
  constraint prices_effective_from_key unique (model, effective_from)
);

create table catalog_versions (
  version bigint constraint catalog_versions_version_pkey primary key check (version >= 1),
  compiled_at timestamptz not null,
  author text not null,
  message text not null,
  document jsonb not null,
  -- SHA-256 over the document with sorted keys: what was compiled is what is published.
  checksum text not null check (checksum ~ '^[0-9a-f]{64}$')
);

-- No foreign keys: a record outlives what it names, and must never be refused for it.
create table usage_records (
  request_id text collate "C" not null check (length(request_id) between 1 and 64),
  attempt integer not null check (attempt >= 0),
  started_at timestamptz not null,
  key_id text collate "C",
  user_id text collate "C",
  app_id text collate "C",
  team_id text collate "C",
  endpoint text not null,
  alias text,
  deployment_id text collate "C",
  resource_id text collate "C",
  upstream_model text,
  stream boolean not null,
  status integer not null check (status >= 0),
  outcome text not null check (outcome in ('succeeded', 'refused', 'failed', 'aborted', 'truncated')),
  error_code text,
  input_tokens bigint not null check (input_tokens >= 0),
  cached_input_tokens bigint not null check (cached_input_tokens >= 0),
  output_tokens bigint not null check (output_tokens >= 0),
  reasoning_tokens bigint not null check (reasoning_tokens >= 0),
  usage_source text not null check (usage_source in ('reported', 'estimated', 'none')),
  cost_nanos bigint check (cost_nanos >= 0),
  cost_state text not null check (cost_state in ('priced', 'unknown', 'none')),
  currency text check (currency ~ '^[A-Z]{3}$'),
  price_id text collate "C",
  request_bytes bigint not null check (request_bytes >= 0),
  reply_bytes bigint not null check (reply_bytes >= 0),
  overhead_micros bigint not null check (overhead_micros >= 0),
  first_byte_ms bigint check (first_byte_ms >= 0),
  total_ms bigint not null check (total_ms >= 0),
  catalog_version bigint,
  upstream_request_id text,
  constraint usage_records_pkey primary key (request_id, attempt),
  constraint usage_records_cost_check check ((cost_state = 'priced') = (cost_nanos is not null and currency is not null))
);
create index usage_records_started_at on usage_records (started_at, request_id, attempt);
create index usage_records_team_id on usage_records (team_id, started_at);
create index usage_records_app_id on usage_records (app_id, started_at);
create index usage_records_key_id on usage_records (key_id, started_at);

-- Records that Postgres will not take, kept as text (JSON text escapes what a column could not hold).
create table usage_dead_letters (
  id bigint generated always as identity constraint usage_dead_letters_id_pkey primary key,
  failed_at timestamptz not null default now(),
  request_id text not null,
  attempt text not null,
  reason text not null,
  record text not null
);
-- The same record may come again; another record with the same broken id is another record.
create unique index usage_dead_letters_once on usage_dead_letters (request_id, attempt, md5(record));

create table audit_events (
  id text collate "C" constraint audit_events_id_pkey primary key check (id like 'aud\_%'),
  at timestamptz not null,
  actor text not null,
  action text not null check (action ~ '^[a-z-]+\.[a-z-]+$'),
  subject_id text collate "C",
  request_id text collate "C" not null,
  before jsonb,
  after jsonb
);
create index audit_events_subject_id on audit_events (subject_id, id);

create function refuse_rewriting_history() returns trigger language plpgsql as $$
begin
  raise exception 'audit events are only ever added' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_append_only before update or delete on audit_events
  for each row execute function refuse_rewriting_history();
create trigger audit_events_no_truncate before truncate on audit_events
  for each statement execute function refuse_rewriting_history();
