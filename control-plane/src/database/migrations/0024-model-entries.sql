-- What is known of the models of providers. Days are text, as those of exchange rates are.
create table model_entries (
  id text collate "C" constraint model_entries_id_pkey primary key check (id like 'mdl\_%'),
  name text not null,
  provider text constraint model_entries_provider_check check (provider in ('openai', 'azure')),
  endpoints text[],
  context_tokens bigint constraint model_entries_context_tokens_check check (context_tokens >= 1),
  output_tokens_max bigint constraint model_entries_output_tokens_max_check check (output_tokens_max >= 1),
  input_modalities text[],
  output_modalities text[],
  deprecated_on text collate "C"
    constraint model_entries_deprecated_on_check check (deprecated_on ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
  retired_on text collate "C"
    constraint model_entries_retired_on_check check (retired_on ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
  note text,
  created_at timestamptz not null,
  constraint model_entries_name_key unique nulls not distinct (name, provider)
);
