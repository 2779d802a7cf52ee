-- Alerts: budgets that will be overrun are told of as well, what happens is written to an outbox, and channels
-- carry it to people.

-- Once for each kind, part and period. A forecast is of the whole amount.
alter table budget_events
  add column kind text not null default 'reached' check (kind in ('reached', 'forecast')),
  add column forecast_nanos bigint,
  add constraint budget_events_forecast_nanos_check check ((kind = 'forecast') = (forecast_nanos is not null)),
  drop constraint budget_events_at_percent_key,
  add constraint budget_events_at_percent_key unique (budget_id, period_from, kind, at_percent);

-- What others are to be told of. Numbers are given before transactions end, so a reader that went by them alone
-- would pass over what is committed late; it goes by (xact, number), and no further than where all have ended.
create table outbox_events (
  number bigint generated always as identity,
  xact xid8 not null default pg_current_xact_id(),
  id text collate "C" constraint outbox_events_id_pkey primary key check (id like 'evt\_%'),
  type text not null,
  at timestamptz not null,
  data jsonb not null check (jsonb_typeof(data) = 'object')
);
create unique index outbox_events_number_key on outbox_events (xact, number);
create index outbox_events_at on outbox_events (at);

-- How far each reader of the outbox has got.
create table outbox_cursors (
  reader text constraint outbox_cursors_reader_pkey primary key,
  xact xid8 not null,
  number bigint not null
);
insert into outbox_cursors (reader, xact, number) values ('alerts', '0', 0);

create table alert_channels (
  id text collate "C" constraint alert_channels_id_pkey primary key check (id like 'chn\_%'),
  name text not null constraint alert_channels_name_key unique,
  kind text not null check (kind in ('webhook', 'slack', 'teams', 'email')),
  url text,
  secret_ref text not null,
  mail_from text,
  mail_to text[],
  team_ids text[],
  budget_ids text[],
  muted_until timestamptz,
  created_at timestamptz not null,
  constraint alert_channels_url_check check ((kind = 'webhook') = (url is not null)),
  constraint alert_channels_mail_from_check check ((kind = 'email') = (mail_from is not null)),
  constraint alert_channels_mail_to_check check ((kind = 'email') = (mail_to is not null))
);

-- Each event once for each channel that listened when it was read from the outbox.
create table alert_deliveries (
  id text collate "C" constraint alert_deliveries_id_pkey primary key check (id like 'dlv\_%'),
  channel_id text collate "C" not null
    constraint alert_deliveries_channel_id_fkey references alert_channels (id) on delete cascade,
  event_id text collate "C" not null
    constraint alert_deliveries_event_id_fkey references outbox_events (id) on delete cascade,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
  attempts integer not null default 0 check (attempts >= 0),
  -- While an attempt is under way, when another process may make the next one.
  next_attempt_at timestamptz,
  last_answer text,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint alert_deliveries_event_id_key unique (channel_id, event_id),
  constraint alert_deliveries_next_attempt_at_check check ((state = 'waiting') = (next_attempt_at is not null)),
  constraint alert_deliveries_ended_at_check check ((state = 'waiting') = (ended_at is null))
);
create index alert_deliveries_next_attempt_at on alert_deliveries (next_attempt_at) where state = 'waiting';
create index alert_deliveries_event_id on alert_deliveries (event_id);
