-- Of a sink that is behind by too much others are told once, until it has caught up.
alter table usage_sinks add column is_lag_told boolean not null default false;
