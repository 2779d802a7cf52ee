-- Policies, and what those in shadow mode would have refused.

create table policies (
  id text collate "C" constraint policies_id_pkey primary key check (id like 'pol\_%'),
  name text not null,
  -- A team, an app or a key; null for the whole organisation. One column, because exactly one of the four holds
  -- and all are looked up alike; that the owner exists is checked when it is written and when the catalog is compiled.
  owner_id text collate "C" constraint policies_owner_id_check check (owner_id ~ '^(team|app|key)_'),
  mode text not null constraint policies_mode_check check (mode in ('enforce', 'shadow')),
  allowed_models text[],
  denied_models text[],
  allowed_endpoints text[],
  denied_endpoints text[],
  allowed_resources text[],
  denied_resources text[],
  input_tokens_max bigint constraint policies_input_tokens_max_check check (input_tokens_max >= 1),
  output_tokens_max bigint constraint policies_output_tokens_max_check check (output_tokens_max >= 1),
  choices_max bigint constraint policies_choices_max_check check (choices_max >= 1),
  request_bytes_max bigint constraint policies_request_bytes_max_check check (request_bytes_max >= 1),
  created_at timestamptz not null,
  -- Refusals name the policy, so two of one owner must be told apart.
  constraint policies_name_key unique nulls not distinct (owner_id, name)
);

-- { "code", "policyId", "text" }; null when no shadow policy objected.
alter table usage_records add column shadow_refusal jsonb;
create index usage_records_shadow_refusal on usage_records ((shadow_refusal ->> 'policyId'), started_at)
  where shadow_refusal is not null;
