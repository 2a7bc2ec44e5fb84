-- What workers leave behind is counted where it is taken: who has write access to one repository must not fill the memory
-- and the disk that all of them share.

-- The largest outcome of each step's attempts that is more than a few words: its bytes, and those that the receipt needs for it.
create table outcome_share (
  run_id bigint not null,
  idx int not null,
  bytes int not null,
  receipt_bytes int not null,
  primary key (run_id, idx)
) with (fillfactor = 70);

-- Their sums: what whoever loads the run must hold.
create table run_share (
  run_id bigint primary key,
  bytes bigint not null,
  receipt_bytes bigint not null
) with (fillfactor = 50);

-- Kinds are those of src/store/attempt-usage.ts. Rows go when the run is over.
create table attempt_usage (
  run_id bigint not null,
  idx int not null,
  fence int not null,
  kind smallint not null,
  count int not null,
  bytes bigint not null,
  primary key (run_id, idx, fence, kind)
) with (fillfactor = 50);

-- Content that a repository sent on one day.
create table repository_day (
  repository text not null,
  day date not null,
  blob_bytes bigint not null,
  primary key (repository, day)
) with (fillfactor = 50);

-- How a worker keeps steps apart is said once, when it registers; null where it did not say.
alter table worker add isolation text;

-- A session lasts while its worker lives, but no longer than this.
alter table worker_session add ends_at timestamptz not null default now();

-- Each claim lasts longer than the one before: what kills or defeats whoever takes it is taken ever more seldom.
alter table outbox add tries int not null default 0;

-- Results are kept within bounds per repository, and go when their time is over.
alter table cache_entry add repository text, add size_bytes int not null default 0;
create index cache_entry_expiry on cache_entry (expires_at);
create index cache_entry_age on cache_entry (repository, created_at) where repository is not null;
