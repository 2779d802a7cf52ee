-- How often the secrets of keys are to be replaced. What follows from it for a key stands with the key, so that keys can
-- be listed by it, and is made anew where the rule, the app or the secret of the key changes.
alter table apps add column rotation_rule jsonb;

alter table proxy_keys
  add column rotation_rule jsonb,
  add column rotation_due_at timestamptz,
  add column rotation_overdue_at timestamptz,
  -- When gateways begin to refuse the secret that is to be used; null where they do not.
  add column secret_expires_at timestamptz,
  -- Of which of the two people were told last.
  add column rotation_told text constraint proxy_keys_rotation_told_check check (rotation_told in ('due', 'overdue'));
create index proxy_keys_rotation_due_at on proxy_keys (rotation_due_at) where rotation_due_at is not null;

-- Which events a channel is told of; null for all.
alter table alert_channels add column event_types text[];
