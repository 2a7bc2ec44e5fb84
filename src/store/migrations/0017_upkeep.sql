-- What is over goes after a while; what the App may not touch at the moment is left alone meanwhile.

-- Ages of reports and of pull requests whose comment is thought over; those from before are as old as this migration.
alter table report add added_at timestamptz not null default now();
alter table report_pull add added_at timestamptz not null default now();

-- By which old rows are found without a look at all others.
create index github_run_closed on github_run (closed_at) where closed_at is not null;
create index report_settled on report (added_at) where not is_due;
create index dispatch_over on dispatch (status_at) where status >= 3;
create index test_grant_age on test_grant (granted_at);

-- Installations whose owner suspended the App: GitHub refuses every call for them until that is over.
create table suspended_installation (
  installation_id bigint primary key,
  suspended_at timestamptz not null default now()
);
