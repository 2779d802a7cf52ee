-- Which list an entry was taken over from, with its day. None: it was written by hand, and no list changes it.
alter table model_entries add column source text;
