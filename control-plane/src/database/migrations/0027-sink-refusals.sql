-- What a sink would not take can be given to it once more. Rows from before know no beginning of their call: the id of the
-- request tells it.
alter table usage_sink_refusals
  -- When its call began, which is where its record lies.
  add column started_at timestamptz,
  add column tries integer not null default 1,
  -- Since when somebody wants it to be tried again.
  add column retry_asked_at timestamptz;
create index usage_sink_refusals_retries on usage_sink_refusals (sink_id, entry_id) where retry_asked_at is not null;
