-- Rules send some calls of an alias elsewhere, and a choice says how a tier is put in order.
alter table routes
  add column rules jsonb not null default '[]' check (jsonb_typeof(rules) = 'array'),
  add column choice text not null default 'weighted'
    check (choice in ('weighted', 'least_busy', 'fastest', 'sticky'));

-- That an alias may bear the name of a provider's model and lead to another one. Those that are there could do so
-- so far, and go on as they are.
alter table model_aliases add column overrides_model boolean not null default true;
alter table model_aliases alter column overrides_model set default false;
