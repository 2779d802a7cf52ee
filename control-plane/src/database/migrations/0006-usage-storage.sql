-- Usage as it is kept: records in daily partitions, rollups by minute, hour and day beside them. Whoever stores a
-- record adds it to the rollups in the same transaction, so that their sums never differ.

-- Partitions -----------------------------------------------------------------------------------------------------

-- Which tables are partitioned, by which column, into which unit of time.
create table usage_partitioning (
  table_name text constraint usage_partitioning_table_name_pkey primary key,
  instant_column text not null,
  unit text not null check (unit in ('day', 'month', 'year')),
  -- What began before this may be missing, because partitions were dropped.
  kept_since timestamptz not null default '-infinity'
);

-- Makes the partition that an instant falls into, unless it is there. Rows that waited in the default partition
-- move into it. Returns whether it was made.
create function make_usage_partition(parent text, instant timestamptz) returns boolean language plpgsql as $$
declare
  it usage_partitioning;
  floor timestamptz;
  ceiling timestamptz;
  part text;
begin
  select * into strict it from usage_partitioning where table_name = parent;
  floor := date_trunc(it.unit, instant, 'UTC');
  ceiling := (floor at time zone 'UTC' + ('1 ' || it.unit)::interval) at time zone 'UTC';
  part := parent || '_' || to_char(floor at time zone 'UTC', 'YYYYMMDD');
  if to_regclass(part) is not null then return false; end if;
  -- One at a time. A lock on a table, because only that lets this session hear of tables others have made.
  lock table usage_partitioning in share row exclusive mode;
  if to_regclass(part) is not null then return false; end if;
  execute format('create table %I (like %I including all)', part, parent);
  -- Rollups are written again and again: with room on its page, a row need not be indexed anew.
  if parent <> 'usage_records' then execute format('alter table %I set (fillfactor = 85)', part); end if;
  execute format('lock table %I in access exclusive mode', parent || '_default');
  execute format('with moved as (delete from %I where %I >= %L and %I < %L returning *) insert into %I select * from moved',
    parent || '_default', it.instant_column, floor, it.instant_column, ceiling, part);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, floor, ceiling);
  return true;
end
$$;

-- Drops the partitions that end at an instant or before it, and what lies that far back in the default partition.
-- Returns how many partitions went.
create function drop_usage_partitions(parent text, before timestamptz) returns integer language plpgsql as $$
declare
  it usage_partitioning;
  part text;
  dropped integer := 0;
begin
  select * into strict it from usage_partitioning where table_name = parent;
  for part in
    select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = to_regclass(parent) and relname ~ '_[0-9]{8}$' order by relname
  loop
    continue when
      (to_date(right(part, 8), 'YYYYMMDD') + ('1 ' || it.unit)::interval) at time zone 'UTC' > before;
    execute format('drop table %I', part);
    dropped := dropped + 1;
  end loop;
  execute format('delete from %I where %I < %L', parent || '_default', it.instant_column, before);
  update usage_partitioning set kept_since = before where table_name = parent and kept_since < before;
  return dropped;
end
$$;

-- Records --------------------------------------------------------------------------------------------------------

alter table usage_records rename to usage_records_unparted;
alter table usage_records_unparted drop constraint usage_records_pkey;
drop index usage_records_started_at;

create table usage_records (like usage_records_unparted including defaults including constraints)
  partition by range (started_at);
-- The order of lists and the identity of a record at once: a record never changes when it began.
alter table usage_records add constraint usage_records_request_id_pkey primary key (started_at, request_id, attempt);
drop index usage_records_team_id, usage_records_app_id, usage_records_key_id, usage_records_shadow_refusal,
  usage_records_agreement_id;
-- One day of one owner is sorted quickly, so these need no instant, and equal values take no room.
create index usage_records_team_id on usage_records (team_id);
create index usage_records_app_id on usage_records (app_id);
create index usage_records_key_id on usage_records (key_id);
create index usage_records_shadow_refusal on usage_records ((shadow_refusal ->> 'policyId'), started_at)
  where shadow_refusal is not null;
create index usage_records_agreement_id on usage_records (agreement_id, started_at) where agreement_id is not null;
create table usage_records_default partition of usage_records default;
insert into usage_partitioning (table_name, instant_column, unit) values ('usage_records', 'started_at', 'day');

-- Days whose rollups are to be made anew from their records; a job does it.
create table usage_rebuilds (day date constraint usage_rebuilds_day_pkey primary key);
insert into usage_rebuilds select distinct (started_at at time zone 'UTC')::date from usage_records_unparted;
select make_usage_partition('usage_records', day::timestamp at time zone 'UTC') from usage_rebuilds;
insert into usage_records select * from usage_records_unparted;
drop table usage_records_unparted;

-- Rollups --------------------------------------------------------------------------------------------------------

-- A series is one combination of dimensions that was seen. Rollups name it by a number, which keeps them narrow.
-- A cube says which dimensions its series tell apart; the others are null in it.
create table usage_series (
  id integer generated always as identity constraint usage_series_id_pkey primary key,
  signature uuid not null constraint usage_series_signature_key unique,
  cube text not null check (cube in ('full', 'owner', 'service')),
  team_id text collate "C",
  app_id text collate "C",
  user_id text collate "C",
  key_id text collate "C",
  endpoint text collate "C",
  alias text collate "C",
  model text collate "C",
  deployment_id text collate "C",
  resource_id text collate "C",
  status integer,
  outcome text check (outcome in ('succeeded', 'refused', 'failed', 'aborted', 'truncated')),
  error_code text collate "C",
  -- Of its money. Calls without any are counted with USD, where they add nothing.
  currency text not null check (currency ~ '^[A-Z]{3}$')
);
create index usage_series_team_id on usage_series (team_id);
create index usage_series_app_id on usage_series (app_id);
create index usage_series_key_id on usage_series (key_id);

create table usage_minutes (
  at timestamptz not null,
  series_id integer not null,
  calls integer not null,
  priced integer not null,
  unpriced integer not null,
  estimated integer not null,
  refused integer not null,
  failed integer not null,
  aborted integer not null,
  truncated integer not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_nanos bigint not null,
  request_bytes bigint not null,
  reply_bytes bigint not null,
  constraint usage_minutes_at_pkey primary key (at, series_id)
) partition by range (at);
create table usage_hours (like usage_minutes, constraint usage_hours_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_owner_hours (like usage_minutes, constraint usage_owner_hours_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_service_hours (like usage_minutes, constraint usage_service_hours_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_days (like usage_minutes, constraint usage_days_at_pkey primary key (at, series_id))
  partition by range (at);

-- Latencies are counted in bins (domain/src/rollup.ts). All bins of a row are one number: bin n is the digits from
-- 10^(12n) on. So a sum of rows is the sum of their numbers, and an empty bin beyond the others takes no room. They
-- are as wide as all the sums together and seldom asked for, hence tables of their own.
create table usage_minutes_bins (
  at timestamptz not null,
  series_id integer not null,
  overhead_bins numeric not null,
  first_byte_bins numeric not null,
  total_bins numeric not null,
  constraint usage_minutes_bins_at_pkey primary key (at, series_id)
) partition by range (at);
create table usage_hours_bins (like usage_minutes_bins,
  constraint usage_hours_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_owner_hours_bins (like usage_minutes_bins,
  constraint usage_owner_hours_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_service_hours_bins (like usage_minutes_bins,
  constraint usage_service_hours_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_days_bins (like usage_minutes_bins,
  constraint usage_days_bins_at_pkey primary key (at, series_id)) partition by range (at);

-- For one owner or one service over a long time.
create index usage_hours_series_id on usage_hours (series_id, at);
create index usage_owner_hours_series_id on usage_owner_hours (series_id, at);
create index usage_service_hours_series_id on usage_service_hours (series_id, at);
create index usage_days_series_id on usage_days (series_id, at);

create table usage_minutes_default partition of usage_minutes default;
create table usage_hours_default partition of usage_hours default;
create table usage_owner_hours_default partition of usage_owner_hours default;
create table usage_service_hours_default partition of usage_service_hours default;
create table usage_days_default partition of usage_days default;
create table usage_minutes_bins_default partition of usage_minutes_bins default;
create table usage_hours_bins_default partition of usage_hours_bins default;
create table usage_owner_hours_bins_default partition of usage_owner_hours_bins default;
create table usage_service_hours_bins_default partition of usage_service_hours_bins default;
create table usage_days_bins_default partition of usage_days_bins default;
insert into usage_partitioning (table_name, instant_column, unit) values
  ('usage_minutes', 'at', 'day'), ('usage_minutes_bins', 'at', 'day'),
  ('usage_hours', 'at', 'month'), ('usage_hours_bins', 'at', 'month'),
  ('usage_owner_hours', 'at', 'month'), ('usage_owner_hours_bins', 'at', 'month'),
  ('usage_service_hours', 'at', 'month'), ('usage_service_hours_bins', 'at', 'month'),
  ('usage_days', 'at', 'year'), ('usage_days_bins', 'at', 'year');

-- What the comparison of records and rollups found, by day; the latest.
create table usage_checks (
  day date constraint usage_checks_day_pkey primary key,
  checked_at timestamptz not null,
  calls bigint not null,
  drifts jsonb not null
);

-- Exports --------------------------------------------------------------------------------------------------------

create table usage_exports (
  id text collate "C" constraint usage_exports_id_pkey primary key check (id like 'exp\_%'),
  kind text not null check (kind in ('records', 'sums')),
  format text not null check (format in ('csv', 'json', 'ndjson')),
  question text not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  -- A process that writes an export renews this; when it has passed, that process is gone.
  leased_until timestamptz,
  rows bigint not null default 0,
  bytes bigint not null default 0,
  sha256 text,
  fault text,
  expires_at timestamptz
);
create index usage_exports_waiting on usage_exports (id) where state in ('queued', 'running');
-- Files lie here and on no disk, so that any process can send what another has made.
create table usage_export_parts (
  export_id text collate "C" not null references usage_exports on delete cascade,
  number integer not null,
  content bytea not null,
  constraint usage_export_parts_export_id_pkey primary key (export_id, number)
);
