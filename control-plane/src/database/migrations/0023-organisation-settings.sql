-- What the organisation chose; whatever has no row is as by default, or as the environment says.
create table organisation_settings (
  name text constraint organisation_settings_name_pkey primary key,
  value jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null
);
