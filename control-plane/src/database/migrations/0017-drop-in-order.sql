-- Whoever makes a partition locks the list of them first and then the default partition. Whoever drops some did it the
-- other way round, so that two control planes that start at once could block each other in a circle.
create or replace function drop_usage_partitions(parent text, before timestamptz) returns integer language plpgsql as $$
declare
  it usage_partitioning;
  part text;
  dropped integer := 0;
begin
  lock table usage_partitioning in share row exclusive mode;
  select * into strict it from usage_partitioning where table_name = parent;
  for part in
    select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = to_regclass(parent) and relname ~ '_[0-9]{8}$' order by relname
  loop
    continue when
      (to_date(right(part, 8), 'YYYYMMDD') + ('1 ' || it.unit)::interval) at time zone 'UTC' > before;
    execute format('drop table %I', part);
    dropped := dropped + 1;
  end loop;
  execute format('delete from %I where %I < %L', parent || '_default', it.instant_column, before);
  update usage_partitioning set kept_since = before where table_name = parent and kept_since < before;
  return dropped;
end
$$;
