-- What is in the file of an export, as the file of the same question that is sent at once has it beside it. It is
-- written when the file is, since names, rates and the instant would be others later.
alter table usage_exports add column sidecar jsonb;
