-- Limits as a tree: each is absolute or a share of its parent, which is another limit or a quota at the root.
create table limits (
  id text collate "C" constraint limits_id_pkey primary key check (id like 'lim\_%'),
  team_id text collate "C" not null constraint limits_team_id_fkey references teams (id),
  owner_id text collate "C" not null check (owner_id ~ '^(team|app|usr|key)_'),
  parent_id text collate "C" check (parent_id ~ '^(quo|lim)_'),
  quota_id text collate "C" constraint limits_quota_id_fkey references quotas (id),
  model text,
  measure text not null check (
    measure in ('requests_per_minute', 'tokens_per_minute', 'concurrent_calls', 'tokens_per_day')
  ),
  amount bigint check (amount >= 0),
  share double precision check (share > 0 and share <= 1),
  guarantee double precision check (guarantee > 0 and guarantee <= 1),
  borrows boolean not null,
  created_at timestamptz not null,
  -- What an id of several kinds points to, one column a kind, so that nothing can point to what is not there.
  owner_app_id text collate "C" generated always as (case when owner_id like 'app\_%' then owner_id end) stored,
  owner_user_id text collate "C" generated always as (case when owner_id like 'usr\_%' then owner_id end) stored,
  owner_key_id text collate "C" generated always as (case when owner_id like 'key\_%' then owner_id end) stored,
  parent_limit_id text collate "C" generated always as (case when parent_id like 'lim\_%' then parent_id end) stored,
  parent_quota_id text collate "C" generated always as (case when parent_id like 'quo\_%' then parent_id end) stored,
  constraint limits_owner_id_check2 check (owner_id not like 'team\_%' or owner_id = team_id),
  constraint limits_owner_app_id_fkey foreign key (owner_app_id, team_id) references apps (id, team_id),
  constraint limits_owner_user_id_fkey foreign key (owner_user_id, team_id) references users (id, team_id),
  constraint limits_owner_key_id_fkey foreign key (owner_key_id) references proxy_keys (id),
  constraint limits_parent_limit_id_fkey foreign key (parent_limit_id) references limits (id),
  constraint limits_parent_quota_id_fkey foreign key (parent_quota_id) references quotas (id),
  constraint limits_amount_check2 check ((amount is null) <> (share is null)),
  constraint limits_parent_id_check2 check (parent_id is not null or (share is null and guarantee is null and not borrows)),
  -- One figure for one thing.
  constraint limits_measure_key unique nulls not distinct (owner_id, parent_id, model, measure)
);
create index limits_parent_id on limits (parent_id, measure);
create index limits_team_id on limits (team_id, id);
