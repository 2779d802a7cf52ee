-- Sinks: places outside that are given a copy of all usage. Whoever stores records, or corrects their costs, writes down
-- in the same transaction which ones; sinks read that in an order that no late commit can get between.

-- What was stored or corrected together. Written only while there is a sink, and removed when all have read it.
create table usage_batches (
  number bigint generated always as identity constraint usage_batches_number_pkey primary key,
  -- Its place in the order of reading, given to it by the first reader that sees it.
  position bigint constraint usage_batches_position_key unique,
  stored_at timestamptz not null default now(),
  -- Null where records were stored.
  rerating_id text collate "C",
  entries integer not null,
  -- The identities of the calls, side by side.
  started_ats timestamptz[] not null,
  request_ids text[] not null,
  attempts integer[] not null
);
create index usage_batches_unseen on usage_batches (number) where position is null;
create index usage_batches_stored_at on usage_batches (stored_at);

create table usage_sinks (
  id text collate "C" constraint usage_sinks_id_pkey primary key check (id like 'snk\_%'),
  name text not null constraint usage_sinks_name_key unique,
  kind text not null,
  target text not null,
  from_at timestamptz,
  -- From where on it is behind by too much.
  lag_seconds_max integer not null,
  -- The last batch that it was given, and when that was stored.
  position bigint not null,
  position_at timestamptz not null,
  records_sent bigint not null default 0,
  corrections_sent bigint not null default 0,
  put_aside bigint not null default 0,
  missed bigint not null default 0,
  -- When a process last took a step for it, and when one last succeeded or failed.
  ran_at timestamptz,
  succeeded_at timestamptz,
  failed_at timestamptz,
  fault text,
  -- Records of the past: up to which instant, and the last one that it was given. Null where none were asked for.
  backfill_until timestamptz,
  backfill_started_at timestamptz,
  backfill_request_id text collate "C",
  backfill_attempt integer,
  backfill_ended_at timestamptz,
  backfilled bigint not null default 0,
  created_at timestamptz not null,
  constraint usage_sinks_backfill_until_check check (backfill_until is null or from_at is not null)
);

-- What a sink will never take.
create table usage_sink_refusals (
  sink_id text collate "C" not null
    constraint usage_sink_refusals_sink_id_fkey references usage_sinks (id) on delete cascade,
  entry_id text collate "C" not null,
  reason text not null,
  refused_at timestamptz not null default now(),
  constraint usage_sink_refusals_sink_id_pkey primary key (sink_id, entry_id)
);
