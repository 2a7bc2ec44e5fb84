-- How the reports of an installation are paced, and the commit that the comment of a pull request speaks of.

-- Writes to GitHub that an installation may still be burdened with, shared by all processes. Times are milliseconds of
-- their clocks.
create table write_allowance (
  installation_id bigint primary key,
  -- What is left in the bucket of a minute and in that of an hour, as of `at_ms`.
  minute double precision not null,
  hour double precision not null,
  at_ms bigint not null,
  -- GitHub said to wait until then.
  closed_until_ms bigint not null default 0,
  -- GitHub does not answer: reports are not tried before then.
  resting_until_ms bigint not null default 0,
  -- What the last taker got: its own statement reads it.
  granted int not null default 0
);

-- The head of the pull request, where an event told it.
alter table report_pull add head_sha text;
create index report_pull_head on report_pull (repository_id, head_sha) where head_sha is not null;

-- The content of the last write: where it is the newest one and the row is due, only annotations are missing.
alter table report add told_digest text;
-- What people are asked for by the content, and were asked for by the last write.
alter table report add asks text not null default '[]', add told_asks text not null default '[]';
-- Checks that are under way: GitHub gives them up after 14 days without a word.
create index report_incomplete on report (sent_ms) where kind = 'check' and not is_urgent and not is_due;
