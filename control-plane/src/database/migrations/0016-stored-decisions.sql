-- Why a call was refused, beside the record of it: the limit, budget or policy, and its figures of then.
alter table usage_records add column decision jsonb;

-- When a thing was changed, without what was changed in it or by whom.
create view thing_changes as
  select subject_id as thing_id, at, action from audit_events where subject_id is not null and result = 'done';
