-- Budgets: money an owner may spend in a period, what was spent by what is recorded, and who was to be told when.
create table budgets (
  id text collate "C" constraint budgets_id_pkey primary key check (id like 'bud\_%'),
  team_id text collate "C" not null constraint budgets_team_id_fkey references teams (id),
  owner_id text collate "C" not null check (owner_id ~ '^(team|app|usr|key)_'),
  name text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_nanos bigint not null check (amount_nanos between 1 and 9000000000000000),
  -- { "kind" } of a day, week or month; with "days" and "from"; or with "from" and "to".
  period jsonb not null check (jsonb_typeof(period) = 'object'),
  time_zone text not null,
  -- [{ "action", "atPercent", … }], in the order of their parts.
  steps jsonb not null check (jsonb_typeof(steps) = 'array'),
  created_at timestamptz not null,
  archived_at timestamptz,
  owner_app_id text collate "C" generated always as (case when owner_id like 'app\_%' then owner_id end) stored,
  owner_user_id text collate "C" generated always as (case when owner_id like 'usr\_%' then owner_id end) stored,
  owner_key_id text collate "C" generated always as (case when owner_id like 'key\_%' then owner_id end) stored,
  constraint budgets_owner_id_check2 check (owner_id not like 'team\_%' or owner_id = team_id),
  constraint budgets_owner_app_id_fkey foreign key (owner_app_id, team_id) references apps (id, team_id),
  constraint budgets_owner_user_id_fkey foreign key (owner_user_id, team_id) references users (id, team_id),
  constraint budgets_owner_key_id_fkey foreign key (owner_key_id) references proxy_keys (id)
);
-- Refusals name the budget, so two of one owner must be told apart; those that were ended do not stand in the way.
create unique index budgets_name_key on budgets (owner_id, name) where archived_at is null;
create index budgets_team_id on budgets (team_id, id);

-- The sum of the recorded calls of a period, moved with each record in its own transaction: what a ledger that
-- lost its memory is told.
create table budget_spend (
  budget_id text collate "C" not null constraint budget_spend_budget_id_fkey references budgets (id),
  period_from timestamptz not null,
  period_to timestamptz not null,
  spent_nanos bigint not null check (spent_nanos between 0 and 9000000000000000),
  -- Calls without a price in any currency: they cost something, and nobody knows how much.
  unpriced_calls bigint not null check (unpriced_calls >= 0),
  constraint budget_spend_pkey primary key (budget_id, period_from)
);
create index budget_spend_period_to on budget_spend (period_to);

-- Once for each part of each period; whoever tells people reads them from here.
create table budget_events (
  id text collate "C" constraint budget_events_id_pkey primary key check (id like 'bev\_%'),
  budget_id text collate "C" not null constraint budget_events_budget_id_fkey references budgets (id),
  period_from timestamptz not null,
  period_to timestamptz not null,
  at_percent integer not null check (at_percent >= 1),
  spent_nanos bigint not null check (spent_nanos >= 0),
  amount_nanos bigint not null check (amount_nanos >= 1),
  at timestamptz not null,
  constraint budget_events_at_percent_key unique (budget_id, period_from, at_percent)
);
