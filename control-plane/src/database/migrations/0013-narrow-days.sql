-- Rollups of days in narrow cubes too, and two more cubes: `fleet` tells what served all teams together, `mix` which
-- app used which model. Dashboards over a month then read some ten thousand rows instead of a million.

alter table usage_series drop constraint usage_series_cube_check,
  add constraint usage_series_cube_check check (cube in ('full', 'owner', 'mix', 'service', 'fleet'));

create table usage_owner_days (like usage_minutes, constraint usage_owner_days_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_owner_days_default partition of usage_owner_days default;
create table usage_owner_days_bins (like usage_minutes_bins,
  constraint usage_owner_days_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_owner_days_bins_default partition of usage_owner_days_bins default;
create table usage_mix_days (like usage_minutes, constraint usage_mix_days_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_mix_days_default partition of usage_mix_days default;
create table usage_service_days (like usage_minutes, constraint usage_service_days_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_service_days_default partition of usage_service_days default;
create table usage_service_days_bins (like usage_minutes_bins,
  constraint usage_service_days_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_service_days_bins_default partition of usage_service_days_bins default;
create table usage_fleet_days (like usage_minutes, constraint usage_fleet_days_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_fleet_days_default partition of usage_fleet_days default;
create table usage_fleet_days_bins (like usage_minutes_bins,
  constraint usage_fleet_days_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_fleet_days_bins_default partition of usage_fleet_days_bins default;
create table usage_mix_hours (like usage_minutes, constraint usage_mix_hours_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_mix_hours_default partition of usage_mix_hours default;
create table usage_fleet_hours (like usage_minutes, constraint usage_fleet_hours_at_pkey primary key (at, series_id))
  partition by range (at);
create table usage_fleet_hours_default partition of usage_fleet_hours default;
create table usage_fleet_hours_bins (like usage_minutes_bins,
  constraint usage_fleet_hours_bins_at_pkey primary key (at, series_id)) partition by range (at);
create table usage_fleet_hours_bins_default partition of usage_fleet_hours_bins default;
-- For one owner or one team over a long time; the fleet is small enough to be read whole.
create index usage_owner_days_series_id on usage_owner_days (series_id, at);
create index usage_mix_days_series_id on usage_mix_days (series_id, at);
create index usage_mix_hours_series_id on usage_mix_hours (series_id, at);
create index usage_service_days_series_id on usage_service_days (series_id, at);

insert into usage_partitioning (table_name, instant_column, unit, kept_since)
select name, 'at', part, (select kept_since from usage_partitioning where table_name = wide)
from (values
  ('usage_owner_days', 'year', 'usage_days'),
  ('usage_owner_days_bins', 'year', 'usage_days_bins'),
  ('usage_mix_days', 'year', 'usage_days'),
  ('usage_service_days', 'year', 'usage_days'),
  ('usage_service_days_bins', 'year', 'usage_days_bins'),
  ('usage_fleet_days', 'year', 'usage_days'),
  ('usage_fleet_days_bins', 'year', 'usage_days_bins'),
  ('usage_mix_hours', 'month', 'usage_hours'),
  ('usage_fleet_hours', 'month', 'usage_hours'),
  ('usage_fleet_hours_bins', 'month', 'usage_hours_bins')
) as added (name, part, wide);

-- What was stored before is summed from the rollups with all dimensions. A series is known by the digest of its cube,
-- its currency and its values, each on a line, a tab for none: as whoever stores usage makes it.
create function narrow_usage(narrow_cube text, dimensions text[], days text, hours text, has_bins boolean)
returns void language plpgsql as $$
declare
  names text := array_to_string(dimensions, ', ');
  lines text := (select string_agg(format('coalesce(%I::text, e''\t'')', it), ' || e''\n'' || ')
    from unnest(dimensions) as it);
  sums text := 'sum(calls)::int4, sum(priced)::int4, sum(unpriced)::int4, sum(estimated)::int4, sum(refused)::int4,
    sum(failed)::int4, sum(aborted)::int4, sum(truncated)::int4, sum(input_tokens)::int8,
    sum(cached_input_tokens)::int8, sum(output_tokens)::int8, sum(reasoning_tokens)::int8, sum(cost_nanos)::int8,
    sum(request_bytes)::int8, sum(reply_bytes)::int8';
  bins text := 'sum(overhead_bins), sum(first_byte_bins), sum(total_bins)';
begin
  execute format('create temporary table narrowing on commit drop as
    select id as wide_id, currency as its_currency, %s,
      left(encode(sha256(convert_to(%L || e''\n'' || currency || e''\n'' || %s, ''UTF8'')), ''hex''), 32)::uuid as narrow
    from usage_series where cube = ''full''', names, narrow_cube, lines);
  execute format('insert into usage_series (signature, cube, currency, %s)
    select distinct on (narrow) narrow, %L, its_currency, %s from narrowing on conflict (signature) do nothing',
    names, narrow_cube, names);
  execute format('insert into %I select at, usage_series.id, %s from usage_days join narrowing on wide_id = series_id
    join usage_series on signature = narrow group by 1, 2', days, sums);
  if has_bins then
    execute format('insert into %I select at, usage_series.id, %s from usage_days_bins
      join narrowing on wide_id = series_id join usage_series on signature = narrow group by 1, 2', days || '_bins', bins);
  end if;
  if hours is not null then
    execute format('insert into %I select at, usage_series.id, %s from usage_hours join narrowing on wide_id = series_id
      join usage_series on signature = narrow group by 1, 2', hours, sums);
  end if;
  if hours is not null and has_bins then
    execute format('insert into %I select at, usage_series.id, %s from usage_hours_bins
      join narrowing on wide_id = series_id join usage_series on signature = narrow group by 1, 2', hours || '_bins', bins);
  end if;
  drop table narrowing;
end
$$;
select narrow_usage('owner', array['team_id', 'app_id', 'user_id', 'key_id'], 'usage_owner_days', null, true);
select narrow_usage('mix', array['team_id', 'app_id', 'endpoint', 'alias', 'model'],
  'usage_mix_days', 'usage_mix_hours', false);
select narrow_usage('service', array['team_id', 'endpoint', 'alias', 'model', 'deployment_id', 'resource_id', 'status',
  'outcome', 'error_code'], 'usage_service_days', null, true);
select narrow_usage('fleet', array['endpoint', 'alias', 'model', 'deployment_id', 'resource_id', 'status', 'outcome',
  'error_code'], 'usage_fleet_days', 'usage_fleet_hours', true);
drop function narrow_usage;
