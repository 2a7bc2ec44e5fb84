-- Runs that closing a pull request started, or that somebody asked for after it was closed: closing does not cancel them.
alter table github_run add survives_closing boolean not null default false;
