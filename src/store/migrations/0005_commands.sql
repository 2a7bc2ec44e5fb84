-- What people asked for on GitHub: comments with commands, buttons of checks, and which heads of forks may be tested.

create table command_request (
  -- `issue-comment/<id>`, `line-comment/<id>`, `review-comment/<id>`, `delivery/<guid>`
  key text primary key,
  -- Who acts on it now: random per call.
  holder text not null,
  claimed_at timestamptz not null default now(),
  done_at timestamptz
);

create table command_effect (
  key text not null references command_request on delete cascade,
  idx int not null,
  -- What it acts on, written before it acts: after a crash it must not choose another target.
  target jsonb,
  answer text,
  primary key (key, idx)
);

create table test_grant (
  repository_id bigint not null,
  pull_number int not null,
  head_sha text not null,
  granted_by text not null,
  granted_at timestamptz not null default now(),
  primary key (repository_id, pull_number, head_sha)
);
