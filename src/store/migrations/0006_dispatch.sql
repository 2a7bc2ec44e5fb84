-- Jobs that were asked of GitHub Actions: one row per job, written before GitHub is asked.
-- Codes of `status`: 0 requested, 1 queued, 2 running, 3 ended, 4 lost.
create table dispatch (
  id text primary key,
  run_key text not null,
  class text not null,
  ordinal int not null,
  labels jsonb not null,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  ref text not null,
  status smallint not null default 0,
  status_at timestamptz not null,
  workflow_run_id bigint,
  run_attempt int not null default 0,
  -- Set while GitHub may know of it though we have no answer.
  is_uncertain boolean not null default false,
  refusals int not null default 0,
  problem text,
  requested_at timestamptz not null,
  due_at timestamptz not null,
  -- Grows with each claim: whoever was overtaken while it waited for its turn does not call.
  fence int not null default 0,
  -- When the end of the run was noticed.
  over_at timestamptz,
  unique (run_key, class, ordinal)
);
create index dispatch_due on dispatch (due_at) where status < 3;
create index dispatch_live on dispatch (installation_id) where status < 3;
create index dispatch_workflow_run on dispatch (workflow_run_id) where workflow_run_id is not null;
