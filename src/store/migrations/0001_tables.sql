-- The spine: plans, runs and steps; the queue of ready steps; what the outside world asks about them.
-- Codes of `state`, `kind` and `verdict` columns are those of src/store/codes.ts.

create table plan (
  id int generated always as identity primary key,
  digest text not null unique,
  body text not null,
  sinks int not null,
  -- Runner classes that its steps name, each once.
  classes text[] not null,
  -- One element per step, in the order of the plan: open dependencies, successors as int[] literals, position in classes.
  pendings int[] not null,
  succs text[] not null,
  runners smallint[] not null
);

-- Where ready steps wait: by runner class, and for runs that have workers of their own, by run (`pool` is the run's key).
create table queue (
  id int generated always as identity primary key,
  pool text not null,
  class text not null,
  unique (pool, class)
);

create table pack (
  id int generated always as identity primary key,
  digest text not null unique,
  revision text not null
);

-- Content-addressed: equal questions to one pack share a row, so a decision per step costs a number, not a document.
create table decision (
  id bigint generated always as identity primary key,
  pack_id int not null references pack,
  input_digest text not null,
  verdict smallint not null,
  reasons jsonb not null,
  obligations jsonb not null,
  input jsonb not null,
  decided_at timestamptz not null default now(),
  unique (pack_id, input_digest)
);

create table run (
  id bigint generated always as identity primary key,
  key text not null unique,
  plan_id int not null references plan,
  state smallint not null,
  -- Bits: 1 a step failed, 2 a step was denied, 4 compensations were added, 8 the run was cancelled.
  flags smallint not null default 0,
  -- Sinks (steps without successors) that are not final: at zero the run is over.
  sinks_left int not null,
  attempt int not null default 1,
  nonce text not null,
  trigger jsonb not null,
  relations jsonb not null default '[]',
  decision_id bigint references decision,
  concurrency_group text,
  -- Key of the run where only workers that name it serve it; empty where any worker of the class does.
  pool text not null default '',
  idempotency_key text unique,
  reason text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
) with (fillfactor = 70);
-- Predicates use only `state`, which changes when a run starts, is cancelled or ends: counting sinks down stays HOT.
create index run_active on run (id) where state < 3;
create index run_group on run (concurrency_group, id) where state < 3 and concurrency_group is not null;

-- No index on a column that changes: every update of a step is HOT.
create table step (
  run_id bigint not null,
  idx int not null,
  state smallint not null,
  pending int not null,
  -- Bits, carried on to successors: 1 an ancestor failed, 2 an ancestor was skipped or cancelled.
  flags smallint not null default 0,
  attempt smallint not null default 0,
  retries smallint not null default 0,
  iteration smallint not null default 0,
  fence int not null default 0,
  worker int,
  queue int not null,
  -- The standing decision, valid under `pack`: a step that has none is admitted by the conductor, not by the tick.
  decision_id bigint,
  pack int,
  succ int[] not null,
  hold smallint,
  generation int not null default 0,
  due_at timestamptz,
  leased_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  reason text,
  outcome jsonb,
  primary key (run_id, idx)
) with (fillfactor = 50);

-- Steps that may be leased. Rows are inserted and deleted, never updated.
create table ready (
  queue int not null,
  seq bigint generated always as identity,
  run_id bigint not null,
  idx int not null,
  primary key (queue, seq)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create table worker (
  id int generated always as identity primary key,
  name text not null,
  beat timestamptz not null default now(),
  -- What the worker said that it holds at its last beat.
  held_runs bigint[] not null default '{}',
  held_idxs int[] not null default '{}',
  held_fences int[] not null default '{}'
);

-- Kind 1: the end of a step's hold, of that generation. Kind 2, index -1: the end of what the run's budget allows.
create table timer (
  run_id bigint not null,
  idx int not null,
  kind smallint not null,
  generation int not null,
  due_at timestamptz not null,
  primary key (run_id, idx, kind)
);
create index timer_due on timer (due_at);

-- Append-only. A reader below the oldest running transaction misses nothing when it orders by (xid, id).
create table event (
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  run_id bigint not null,
  idx int,
  kind smallint not null,
  attempt smallint,
  at timestamptz not null default now(),
  data jsonb
);
create index event_run on event (run_id, xid, id);

-- Work that a commit leaves to be done: settle a run, seal its receipt, start the next of a group.
create table outbox (
  id bigint generated always as identity primary key,
  kind smallint not null,
  run_id bigint not null,
  due_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index outbox_run on outbox (run_id);

create table approval (
  id bigint generated always as identity primary key,
  run_id bigint not null,
  idx int not null,
  generation int not null,
  decision text not null,
  provider text not null,
  principal text not null,
  reason text not null,
  subject_digest text not null,
  at timestamptz not null default now(),
  unique (run_id, idx, generation, provider, principal)
);

create table dead_letter (
  run_id bigint not null,
  idx int not null,
  error_class text not null,
  message text not null,
  at timestamptz not null default now(),
  primary key (run_id, idx)
);

create table log_chunk (
  run_id bigint not null,
  idx int not null,
  fence int not null,
  seq int not null,
  attempt smallint not null,
  size_bytes int not null,
  body bytea not null,
  id bigint generated always as identity,
  xid xid8 not null default pg_current_xact_id(),
  primary key (run_id, idx, fence, seq)
);
create index log_chunk_arrival on log_chunk (run_id, xid, id);

create table cache_entry (
  key text primary key,
  outputs jsonb not null,
  artifacts jsonb not null,
  files jsonb not null,
  run_key text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- The signed payload and its signature; bundle and run record are made of them. Kept as it is: compressing it costs more
-- than everything else that a run costs.
create table receipt (
  run_id bigint primary key,
  payload_sha256 text not null,
  payload text not null,
  signature text not null,
  public_key text not null,
  signed_at timestamptz not null default now()
);
alter table receipt alter column payload set storage external;
