-- Prices by kind of usage, agreements, exchange rates, and corrections of past costs.

alter table prices
  add column provider text constraint prices_provider_check check (provider in ('openai', 'azure')),
  add column is_free boolean not null default false,
  -- [{ "kind", "nanos", "serviceTier", "aboveInputTokens" }]
  add column lines jsonb,
  add column effective_to timestamptz constraint prices_effective_to_check check (effective_to > effective_from),
  add column source text;
update prices set lines = jsonb_build_array(
  jsonb_build_object('kind', 'input', 'nanos', input_nanos_per_million, 'serviceTier', 'standard', 'aboveInputTokens', 0),
  jsonb_build_object('kind', 'cached_input', 'nanos', cached_input_nanos_per_million, 'serviceTier', 'standard', 'aboveInputTokens', 0),
  jsonb_build_object('kind', 'output', 'nanos', output_nanos_per_million, 'serviceTier', 'standard', 'aboveInputTokens', 0)
);
alter table prices
  alter column lines set not null,
  alter column is_free drop default,
  add constraint prices_lines_check check (jsonb_typeof(lines) = 'array' and is_free = (jsonb_array_length(lines) = 0)),
  drop column input_nanos_per_million,
  drop column cached_input_nanos_per_million,
  drop column output_nanos_per_million,
  drop constraint prices_effective_from_key,
  add constraint prices_effective_from_key unique nulls not distinct (model, provider, effective_from);

create table agreements (
  id text collate "C" constraint agreements_id_pkey primary key check (id like 'agr\_%'),
  resource_id text collate "C" constraint agreements_resource_id_fkey references resources (id),
  deployment_id text collate "C" constraint agreements_deployment_id_fkey references deployments (id),
  multiplier_millionths bigint constraint agreements_multiplier_millionths_check check (multiplier_millionths >= 1),
  reserved_nanos_per_hour bigint constraint agreements_reserved_nanos_per_hour_check check (reserved_nanos_per_hour >= 0),
  currency text constraint agreements_currency_check check (currency ~ '^[A-Z]{3}$'),
  effective_from timestamptz not null,
  effective_to timestamptz constraint agreements_effective_to_check check (effective_to > effective_from),
  note text,
  created_at timestamptz not null,
  constraint agreements_resource_id_check check ((resource_id is null) <> (deployment_id is null)),
  constraint agreements_multiplier_millionths_check2 check ((multiplier_millionths is null) <> (reserved_nanos_per_hour is null)),
  constraint agreements_currency_check2 check ((reserved_nanos_per_hour is null) = (currency is null)),
  constraint agreements_effective_from_key unique nulls not distinct (resource_id, deployment_id, effective_from)
);

create table exchange_rates (
  base text not null constraint exchange_rates_base_check check (base ~ '^[A-Z]{3}$'),
  quote text not null constraint exchange_rates_quote_check check (quote ~ '^[A-Z]{3}$' and quote <> base),
  day text collate "C" not null constraint exchange_rates_day_check check (day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
  rate_billionths bigint not null constraint exchange_rates_rate_billionths_check check (rate_billionths >= 1),
  source text not null,
  created_at timestamptz not null,
  constraint exchange_rates_day_pkey primary key (base, quote, day)
);

-- The checks that name the states of a cost are made anew, whatever a table in between has called them.
alter table usage_records
  add column usage_details jsonb,
  add column service_tier text,
  add column agreement_id text collate "C",
  drop constraint usage_records_cost_state_check,
  drop constraint usage_records_cost_check,
  add constraint usage_records_cost_state_check check (cost_state in ('priced', 'free', 'unknown', 'none')),
  add constraint usage_records_cost_check check (
    (cost_state in ('priced', 'free')) = (cost_nanos is not null and currency is not null)
  );

create index usage_records_agreement_id on usage_records (agreement_id, started_at) where agreement_id is not null;

-- One act of pricing a past window again. What it changed is in cost_corrections.
create table reratings (
  id text collate "C" constraint reratings_id_pkey primary key check (id like 'rrt\_%'),
  from_at timestamptz not null,
  to_at timestamptz not null constraint reratings_to_at_check check (to_at > from_at),
  reason text not null,
  records bigint not null,
  corrected bigint not null,
  newly_priced bigint not null,
  still_unknown bigint not null,
  -- [{ "currency", "nanos" }], nanos as text with a sign
  differences jsonb not null,
  created_at timestamptz not null
);

-- Increments beside the records, which stay as they were. The columns that sums are made by are copied.
create table cost_corrections (
  rerating_id text collate "C" not null constraint cost_corrections_rerating_id_fkey references reratings (id),
  request_id text collate "C" not null,
  attempt integer not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  nanos bigint not null,
  -- True where the record had no cost at all before.
  newly_priced boolean not null,
  price_id text collate "C",
  agreement_id text collate "C",
  started_at timestamptz not null,
  key_id text collate "C",
  user_id text collate "C",
  app_id text collate "C",
  team_id text collate "C",
  endpoint text not null,
  alias text,
  deployment_id text collate "C",
  outcome text not null,
  constraint cost_corrections_request_id_pkey primary key (request_id, attempt, rerating_id, currency)
);
create index cost_corrections_started_at on cost_corrections (started_at);
create index cost_corrections_rerating_id on cost_corrections (rerating_id);
