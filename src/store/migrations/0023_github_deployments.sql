-- What GitHub should show of deployments, and what it asks: rows of `report` of two more kinds. Of a `deployment` the name is
-- its environment and `remote_id` the deployment's id; of a `review`, the App's word about a job that waits for it, the name
-- is the environment as well, and there is no `remote_id`.

-- Success in an environment makes what succeeded there before inactive.
create index report_deployed on report (repository_id, name) where kind = 'deployment';

-- Jobs of GitHub Actions that wait before an environment, each with the run that decides it. As old as the `github_run`.
create table protection_request (
  run_id text primary key,
  repository_id bigint not null,
  workflow_run_id bigint not null,
  -- Of the workflow run: another one asks anew.
  attempt int not null,
  environment text not null,
  asked_at timestamptz not null default now()
);
create index protection_request_of_run on protection_request (repository_id, workflow_run_id);
