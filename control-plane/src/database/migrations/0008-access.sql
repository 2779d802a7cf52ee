-- Who may use the admin API: API tokens, role mappings, browser sessions, and sign-ins that are under way. Secrets are
-- kept as SHA-256 digests: all of them are 256 random bits, so a digest cannot be guessed back.

create table api_tokens (
  id text collate "C" constraint api_tokens_id_pkey primary key check (id like 'tok\_%'),
  name text not null,
  digest text collate "C" not null constraint api_tokens_digest_key unique check (digest ~ '^[0-9a-f]{64}$'),
  last_four text not null check (length(last_four) = 4),
  role text not null check (role in ('viewer', 'operator', 'finance', 'security', 'admin')),
  -- Null is the whole organisation.
  team_ids text[] check (cardinality(team_ids) > 0),
  -- Null is all rights of the role.
  rights text[] check (cardinality(rights) > 0),
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz
);

create table role_mappings (
  id text collate "C" constraint role_mappings_id_pkey primary key check (id like 'rmp\_%'),
  claim text not null check (claim in ('roles', 'groups')),
  value text collate "C" not null,
  role text not null check (role in ('viewer', 'operator', 'finance', 'security', 'admin')),
  team_ids text[] check (cardinality(team_ids) > 0),
  created_at timestamptz not null,
  constraint role_mappings_value_key unique nulls not distinct (claim, value, role, team_ids)
);

create table sessions (
  id text collate "C" constraint sessions_id_pkey primary key check (id like 'ses\_%'),
  digest text collate "C" not null constraint sessions_digest_key unique check (digest ~ '^[0-9a-f]{64}$'),
  actor text not null,
  name text not null,
  -- What the directory said at sign-in, as app roles and groups; null for the evaluation's own admin.
  claims jsonb,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index sessions_actor on sessions (actor, id);
create index sessions_expires_at on sessions (expires_at);

-- A browser that was sent to the provider and is to come back within minutes, once.
create table sign_ins (
  digest text collate "C" constraint sign_ins_digest_pkey primary key check (digest ~ '^[0-9a-f]{64}$'),
  state text not null,
  nonce text not null,
  code_verifier text not null,
  return_to text not null,
  expires_at timestamptz not null
);

-- For whom an export is made: null is the whole organisation.
alter table usage_exports add column team_ids text[] check (cardinality(team_ids) > 0);

-- Which form the views for whoever has some teams were made in last; see team-scope.sql.
create table team_scope (
  id integer constraint team_scope_id_pkey primary key check (id = 1),
  checksum text not null
);
insert into team_scope values (1, '');
