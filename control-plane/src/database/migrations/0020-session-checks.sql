-- A session is confirmed by its directory again and again. Whose refresh token is kept is sealed; without one a session
-- ends when it was not confirmed for too long. Whoever checks a session has it to himself until the lease ends, because
-- a refresh token that is used twice counts as stolen.
alter table sessions
  add column issuer text,
  add column sealed_refresh_token text,
  add column checked_at timestamptz,
  add column checking_until timestamptz;
update sessions set checked_at = created_at;
alter table sessions alter column checked_at set not null;

-- Which of several directories a browser was sent to.
alter table sign_ins add column issuer text not null default '';
