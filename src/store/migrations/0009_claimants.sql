-- Which process holds a claim, so that those of a process that died end at once and not when their time is over.
create table claimant (
  -- Random per process.
  id text primary key,
  -- Grows while the process lives.
  beats bigint not null default 1
);

alter table delivery add holder text;
alter table report add holder text, add held_ms bigint;
alter table dispatch add holder text, add held_until timestamptz;
