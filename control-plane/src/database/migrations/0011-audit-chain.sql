-- The audit log becomes a chain: events are numbered without a gap and each holds the hash of the one before.
-- Failed attempts are events too. Old events are numbered here and hashed when the control plane starts.

drop trigger audit_events_append_only on audit_events;

alter table audit_events
  add column number bigint,
  -- What the actor might do then, and from where; null for the gateway itself.
  add column role text,
  add column address text,
  add column result text not null default 'done' check (result in ('done', 'refused', 'failed')),
  add column code text,
  add column previous_hash text,
  -- SHA-256 over all fields, each with its length before it.
  add column hash text;
alter table audit_events alter column result drop default;
update audit_events set number = numbered.number
  from (select id, row_number() over (order by id) as number from audit_events) as numbered
  where numbered.id = audit_events.id;
alter table audit_events alter column number set not null;
create unique index audit_events_number on audit_events (number);
-- Not valid: old events have none for a moment; new ones must.
alter table audit_events
  add constraint audit_events_hash_check check (hash is not null and previous_hash is not null) not valid;

-- The last place of the chain. Its lock keeps the chain linear; its signature is made under a key that is not in
-- this database, so a tail that was cut off shows.
create table audit_head (
  is_head boolean constraint audit_head_is_head_pkey primary key default true check (is_head),
  number bigint not null check (number >= 0),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  -- Empty until the first start after this migration.
  signature text not null
);
insert into audit_head (number, hash, signature) values (0, repeat('0', 64), '');

-- Whole stretches of the chain, signed when they are over. A removed one is the tombstone of its events.
create table audit_segments (
  number bigint constraint audit_segments_number_pkey primary key check (number >= 1),
  first_number bigint not null constraint audit_segments_first_number_key unique,
  last_number bigint not null,
  first_hash text not null check (first_hash ~ '^[0-9a-f]{64}$'),
  last_hash text not null check (last_hash ~ '^[0-9a-f]{64}$'),
  from_at timestamptz not null,
  to_at timestamptz not null,
  sealed_at timestamptz not null,
  signature text not null,
  removed_at timestamptz,
  removal_signature text,
  constraint audit_segments_last_number_check check (last_number >= first_number),
  constraint audit_segments_removed_at_check check ((removed_at is null) = (removal_signature is null))
);

create or replace function refuse_rewriting_history() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.hash is null and to_jsonb(new) - 'hash' - 'previous_hash' = to_jsonb(old) - 'hash' - 'previous_hash' then
      return new;
    end if;
  elsif tg_op = 'DELETE' then
    if exists (select from audit_segments
               where removed_at is not null and old.number between first_number and last_number) then
      return old;
    end if;
  end if;
  raise exception 'audit events are only ever added' using errcode = 'insufficient_privilege';
end
$$;
create function refuse_rewriting_segments() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.removed_at is null and to_jsonb(new) - 'removed_at' - 'removal_signature'
                                = to_jsonb(old) - 'removed_at' - 'removal_signature' then
      return new;
    end if;
  end if;
  raise exception 'audit segments are only ever added and marked as removed' using errcode = 'insufficient_privilege';
end
$$;
create function refuse_going_back() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.number > old.number or old.signature = '' then
      return new;
    end if;
  end if;
  raise exception 'the head of the audit log only moves on' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_append_only before update or delete on audit_events
  for each row execute function refuse_rewriting_history();
create trigger audit_segments_append_only before update or delete on audit_segments
  for each row execute function refuse_rewriting_segments();
create trigger audit_segments_no_truncate before truncate on audit_segments
  for each statement execute function refuse_rewriting_segments();
create trigger audit_head_moves_on before update or delete on audit_head
  for each row execute function refuse_going_back();
create trigger audit_head_no_truncate before truncate on audit_head
  for each statement execute function refuse_going_back();
-- Also for connections that replicate, which pass by ordinary triggers.
alter table audit_events enable always trigger audit_events_append_only;
alter table audit_events enable always trigger audit_events_no_truncate;
alter table audit_segments enable always trigger audit_segments_append_only;
alter table audit_segments enable always trigger audit_segments_no_truncate;
alter table audit_head enable always trigger audit_head_moves_on;
alter table audit_head enable always trigger audit_head_no_truncate;
