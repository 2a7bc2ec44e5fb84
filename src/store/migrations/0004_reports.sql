-- What GitHub should show: runs that belong to it, check runs and comments with what was written of them so far.

create table github_run (
  id bigint generated always as identity primary key,
  run_id text not null unique,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  head_sha text not null,
  ref text not null,
  default_branch text not null,
  pull_number int,
  is_fork boolean not null,
  pipeline_path text not null,
  check_name text not null,
  added_at timestamptz not null default now(),
  -- Set when the run's final state stands on GitHub.
  closed_at timestamptz
);
create index github_run_open on github_run (id) where closed_at is null;
create index github_run_commit on github_run (repository_id, head_sha);
create index github_run_pull on github_run (repository_id, pull_number) where pull_number is not null;

-- One row per check run or comment. Times are milliseconds of the reporter's clock.
create table report (
  id bigint generated always as identity primary key,
  -- check, comment
  kind text not null,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  -- Empty for a comment.
  head_sha text not null,
  pull_number int,
  -- `external_id` of a check run; `pull/7` for the comment of a pull request.
  external_id text not null,
  name text not null,
  content jsonb not null,
  digest text not null,
  -- A word about an older state of the run than the one that stands is not taken.
  version bigint not null,
  is_urgent boolean not null,
  is_due boolean not null default true,
  -- Not before: after a failure, or while somebody has the claim.
  due_ms bigint not null default 0,
  fence int not null default 0,
  -- A request may have reached GitHub without its answer being recorded: it is looked up before it is made again.
  is_unsure boolean not null default false,
  remote_id bigint,
  sent_digest text,
  sent_annotations int not null default 0,
  sent_ms bigint,
  writes int not null default 0,
  failures int not null default 0,
  -- Why it was given up, or what went wrong last.
  problem text,
  unique (repository_id, head_sha, external_id)
);
create index report_due on report (installation_id, id) where is_due;
create index report_of_pull on report (repository_id, pull_number) where pull_number is not null;

-- Pull requests whose comment is to be thought over: `changed` grows with every check that is put for them.
create table report_pull (
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  pull_number int not null,
  changed bigint not null default 1,
  seen bigint not null default 0,
  primary key (repository_id, pull_number)
);
create index report_pull_changed on report_pull (repository_id) where changed <> seen;
