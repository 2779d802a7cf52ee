-- The tables as somebody sees them whose right is for some teams only: views with the names of the tables, each with
-- the rows of those teams. The teams stand in a setting of the connection; where nobody set it there are none. A table
-- that is not named here is not there for whoever is scoped. Run at start, after migrations.

drop schema if exists scoped cascade;
create schema scoped;

create function scoped.team_ids() returns text[] stable language sql as
  $$ select string_to_array(current_setting('headgate.team_ids', true), ',') $$;

create view scoped.teams as select * from public.teams
  where id = any(scoped.team_ids()) with local check option;
create view scoped.apps as select * from public.apps
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.users as select * from public.users
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.proxy_keys as select * from public.proxy_keys
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.key_secrets as select * from public.key_secrets
  where key_id in (select id from scoped.proxy_keys) with local check option;
create view scoped.limits as select * from public.limits
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.budgets as select * from public.budgets
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.budget_overrides as select * from public.budget_overrides
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.budget_spend as select * from public.budget_spend
  where budget_id in (select id from scoped.budgets) with local check option;
create view scoped.budget_events as select * from public.budget_events
  where budget_id in (select id from scoped.budgets) with local check option;
-- What happens is written down, and read by others alone.
create view scoped.outbox_events as select * from public.outbox_events where false;
create view scoped.policies as select * from public.policies
  where owner_id = any(scoped.team_ids()) or owner_id in (select id from scoped.apps)
    or owner_id in (select id from scoped.proxy_keys) with local check option;
create view scoped.usage_records as select * from public.usage_records
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.usage_series as select * from public.usage_series
  where team_id = any(scoped.team_ids()) with local check option;
create view scoped.usage_tags as select * from public.usage_tags
  where team_id = any(scoped.team_ids());
create view scoped.cost_corrections as select * from public.cost_corrections
  where team_id = any(scoped.team_ids()) with local check option;
-- When what is theirs was changed. What was removed is theirs still.
create view scoped.thing_changes as select * from public.thing_changes
  where thing_id = any(scoped.team_ids())
    or thing_id in (select id from scoped.apps) or thing_id in (select id from scoped.proxy_keys)
    or thing_id in (select id from scoped.limits) or thing_id in (select id from scoped.budgets)
    or thing_id in (select id from scoped.budget_overrides) or thing_id in (select id from scoped.policies)
    or exists (select from public.archived_things it
      where it.id = thing_id and it.thing ->> 'teamId' = any(scoped.team_ids()));
create view scoped.usage_exports as select * from public.usage_exports
  where team_ids <@ scoped.team_ids() with local check option;
create view scoped.export_schedules as select * from public.export_schedules
  where team_ids <@ scoped.team_ids() with local check option;
create view scoped.usage_export_parts as select * from public.usage_export_parts
  where export_id in (select id from scoped.usage_exports) with local check option;
create view scoped.api_tokens as select * from public.api_tokens
  where team_ids <@ scoped.team_ids() with local check option;

-- These belong to no team; what teams own names them.
create view scoped.resources as select * from public.resources;
create view scoped.quotas as select * from public.quotas;
create view scoped.deployments as select * from public.deployments;
create view scoped.model_aliases as select * from public.model_aliases;
create view scoped.organisation_settings as select * from public.organisation_settings;
create view scoped.exchange_rates as select * from public.exchange_rates;
create view scoped.usage_partitioning as select * from public.usage_partitioning;
create view scoped.usage_rebuilds as select * from public.usage_rebuilds;

-- Sums are of a series, and are reached through it.
create view scoped.usage_minutes as select * from public.usage_minutes;
create view scoped.usage_minutes_bins as select * from public.usage_minutes_bins;
create view scoped.usage_hours as select * from public.usage_hours;
create view scoped.usage_hours_bins as select * from public.usage_hours_bins;
create view scoped.usage_owner_hours as select * from public.usage_owner_hours;
create view scoped.usage_owner_hours_bins as select * from public.usage_owner_hours_bins;
create view scoped.usage_service_hours as select * from public.usage_service_hours;
create view scoped.usage_service_hours_bins as select * from public.usage_service_hours_bins;
create view scoped.usage_days as select * from public.usage_days;
create view scoped.usage_days_bins as select * from public.usage_days_bins;
create view scoped.usage_owner_days as select * from public.usage_owner_days;
create view scoped.usage_owner_days_bins as select * from public.usage_owner_days_bins;
create view scoped.usage_mix_days as select * from public.usage_mix_days;
create view scoped.usage_service_days as select * from public.usage_service_days;
create view scoped.usage_service_days_bins as select * from public.usage_service_days_bins;
create view scoped.usage_fleet_days as select * from public.usage_fleet_days;
create view scoped.usage_fleet_days_bins as select * from public.usage_fleet_days_bins;
create view scoped.usage_mix_hours as select * from public.usage_mix_hours;
create view scoped.usage_fleet_hours as select * from public.usage_fleet_hours;
create view scoped.usage_fleet_hours_bins as select * from public.usage_fleet_hours_bins;
