-- Secrets that we keep ourselves, sealed under a key that is not in this database.
create table secrets (
  id text collate "C" constraint secrets_id_pkey primary key check (id like 'sec\_%'),
  name text not null constraint secrets_name_key unique,
  version integer not null check (version >= 1),
  -- A keyed digest, cut short: tells values apart and gives none away.
  fingerprint text not null check (fingerprint ~ '^fp_[0-9a-f]{16}$'),
  sealed_under text not null check (sealed_under ~ '^[0-9a-f]{8}$'),
  sealed text not null check (sealed ~ '^1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$'),
  created_at timestamptz not null,
  rotated_at timestamptz not null
);

alter table resources drop constraint resources_secret_ref_check;
alter table resources add constraint resources_secret_ref_check
  check (secret_ref ~ '^(env|kv|db|file)://[A-Za-z0-9_/.-]+$');
