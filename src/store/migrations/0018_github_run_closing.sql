-- Runs that closing a pull request started, or that somebody asked for after it was closed: closing does not cancel them.
alter table github_run add survives_closing boolean not null default false;
-- Into which branch their pull request goes: a fork's pipelines come from there.
alter table github_run add base_ref text;
create index github_run_ref on github_run (repository_id, ref, id);
