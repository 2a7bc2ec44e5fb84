-- The evidence register: an append-only Merkle tree (RFC 6962) over what began and how it ended. But for the queue, rows are
-- inserted and never changed.

-- Whose it is: only who has the key of this verifier key continues it. One row.
create table evidence_log (
  id int primary key default 1,
  verifier_key text not null
);

-- Kind 1: an attempt of a run began. Kind 2: its receipt was signed. `body` is what is hashed.
create table evidence_leaf (
  idx bigint primary key,
  run_id bigint not null,
  kind smallint not null,
  body text not null
);
create unique index evidence_leaf_run on evidence_leaf (run_id, kind);

-- Hashes of complete subtrees: of 2^level leaves, 2 or more, the idx-th of them from the left. Those of single leaves are made of
-- their bodies.
create table evidence_node (
  level smallint not null,
  idx bigint not null,
  hash bytea not null,
  primary key (level, idx)
);

-- One for each batch of leaves, as it was signed.
create table evidence_checkpoint (
  size bigint primary key,
  note text not null,
  signed_at timestamptz not null default now()
);

-- Leaves that wait for an index, written by the transaction that makes them true.
create table evidence_queue (
  id bigint generated always as identity primary key,
  run_id bigint not null,
  kind smallint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What was there before there was a register comes first, in the order in which it began.
insert into evidence_queue (run_id, kind) select id, 1 from run where state <> 0 order by id;
insert into evidence_queue (run_id, kind) select run_id, 2 from receipt order by run_id;
