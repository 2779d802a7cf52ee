-- Records in the order in which they are stored, so that whoever follows them misses none that is committed late: the
-- transaction that stored a record. Those from before have none and are followed by nobody.
alter table usage_records add column stored_xact xid8;
alter table usage_records alter column stored_xact set default pg_current_xact_id();
create index usage_records_stored_xact on usage_records (stored_xact) where stored_xact is not null;

-- What people look for among millions is what few calls have: with an index on it, a search that finds little reads
-- little. What many calls have is found on the way back from the latest one, whatever it is. Equal values take no room.
create index usage_records_outcome on usage_records (outcome) where outcome <> 'succeeded';
create index usage_records_error_code on usage_records (error_code) where error_code is not null;
create index usage_records_user_id on usage_records (user_id) where user_id is not null;
create index usage_records_alias on usage_records (alias);
create index usage_records_deployment_id on usage_records (deployment_id);
create index usage_records_total_ms on usage_records (total_ms);
create index usage_records_cost_nanos on usage_records (cost_nanos) where cost_nanos > 0;
