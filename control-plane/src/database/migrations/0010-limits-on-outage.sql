-- What a limit does while Redis does not answer. Until now each gateway judged alone on its part of it.
alter table limits add column on_outage text not null default 'local'
  constraint limits_on_outage_check check (on_outage in ('local', 'closed', 'open'));
