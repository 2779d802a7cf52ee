-- Client tags: whom callers say they call for, in records and, so many a day for each team, in rollups.

alter table usage_records add column client_tag text;
create index usage_records_client_tag on usage_records (team_id, client_tag) where client_tag is not null;
alter table usage_series add column client_tag text collate "C";

-- Which tags the rollups of a day tell apart.
create table usage_tags (
  team_id text collate "C" not null,
  day date not null,
  client_tag text collate "C" not null,
  constraint usage_tags_team_id_pkey primary key (team_id, day, client_tag)
);

-- A tag as the rollups of its day count it.
create function counted_tag(team text, instant timestamptz, tag text) returns text stable language sql as $$
  select case
    when tag is null then null
    when exists (select from public.usage_tags as it
      where it.team_id = coalesce(team, '') and it.day = (instant at time zone 'UTC')::date and it.client_tag = tag)
    then tag
    else '(other)'
  end
$$;

-- Exports as Parquet too.
alter table usage_exports drop constraint usage_exports_format_check;
alter table usage_exports add constraint usage_exports_format_check check (format in ('csv', 'json', 'ndjson', 'parquet'));

-- Exports that are made again and again.
create table export_schedules (
  id text collate "C" constraint export_schedules_id_pkey primary key check (id like 'sch\_%'),
  name text not null,
  kind text not null check (kind in ('records', 'sums')),
  format text not null check (format in ('csv', 'json', 'ndjson', 'parquet')),
  question text not null,
  every text not null check (every in ('day', 'week', 'month')),
  covers text not null check (covers in ('day', 'week', 'month')),
  time_zone text not null,
  delay_minutes integer not null check (delay_minutes between 0 and 1320),
  is_enabled boolean not null,
  created_at timestamptz not null,
  created_by text not null,
  team_ids text[] check (cardinality(team_ids) > 0),
  next_at timestamptz,
  last_at timestamptz,
  last_export_id text collate "C"
);
create index export_schedules_next_at on export_schedules (next_at);
alter table usage_exports
  add column schedule_id text collate "C",
  add column due_at timestamptz,
  add constraint usage_exports_schedule_id_key unique (schedule_id, due_at);
