-- The schema that src/store/migrations make, read from the catalog of a migrated database.
-- Written by `npm run schema:dump`; a test says whether it is current. Change a migration, never this file.

create table approval (
  id bigint generated always as identity not null,
  run_id bigint not null,
  idx integer not null,
  generation integer not null,
  decision text not null,
  provider text not null,
  principal text not null,
  reason text not null,
  subject_digest text not null,
  at timestamp with time zone not null default now(),
  account text not null,
  environment text,
  revoked_at timestamp with time zone,
  decision_id bigint,
  constraint approval_once unique (run_id, idx, generation, provider, account),
  constraint approval_pkey primary key (id),
  constraint approval_decision_id_fkey foreign key (decision_id) REFERENCES decision(id)
);

create table attempt_blob (
  run_id bigint not null,
  idx integer not null,
  fence integer not null,
  digest text not null,
  constraint attempt_blob_pkey primary key (run_id, idx, fence, digest)
);

create table attempt_usage (
  run_id bigint not null,
  idx integer not null,
  fence integer not null,
  kind smallint not null,
  count integer not null,
  bytes bigint not null,
  constraint attempt_usage_pkey primary key (run_id, idx, fence, kind)
) with (fillfactor=50);

create table attestation (
  id bigint generated always as identity not null,
  run_id bigint not null,
  idx integer,
  asked text not null,
  predicate_type text not null,
  subjects text[] not null,
  payload text not null,
  payload_sha256 text not null,
  signature text not null,
  public_key text not null,
  at timestamp with time zone not null default now(),
  constraint attestation_run_id_asked_key unique (run_id, asked),
  constraint attestation_pkey primary key (id)
);

create table blob_owner (
  repository text not null,
  digest text not null,
  constraint blob_owner_pkey primary key (repository, digest)
);

create table cache_entry (
  key text not null,
  outputs jsonb not null,
  artifacts jsonb not null,
  files jsonb not null,
  run_key text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  repository text,
  size_bytes integer not null default 0,
  constraint cache_entry_pkey primary key (key)
);
create index cache_entry_age on cache_entry (repository, created_at) WHERE (repository IS NOT NULL);
create index cache_entry_expiry on cache_entry (expires_at);

create table claimant (
  id text not null,
  beat_at timestamp with time zone not null default now(),
  constraint claimant_pkey primary key (id)
);

create table command_effect (
  key text not null,
  idx integer not null,
  target jsonb,
  answer text,
  constraint command_effect_pkey primary key (key, idx),
  constraint command_effect_key_fkey foreign key (key) REFERENCES command_request(key) ON DELETE CASCADE
);

create table command_request (
  key text not null,
  holder text not null,
  claimed_at timestamp with time zone not null default now(),
  done_at timestamp with time zone,
  repository_id bigint,
  person_id bigint,
  asked_at timestamp with time zone not null default now(),
  acknowledged_at timestamp with time zone,
  constraint command_request_pkey primary key (key)
);
create index command_request_asker on command_request (repository_id, person_id, asked_at) WHERE (person_id IS NOT NULL);

create table dead_letter (
  run_id bigint not null,
  idx integer not null,
  error_class text not null,
  message text not null,
  at timestamp with time zone not null default now(),
  constraint dead_letter_pkey primary key (run_id, idx)
);

create table decision (
  id bigint generated always as identity not null,
  pack_id integer not null,
  input_digest text not null,
  verdict smallint not null,
  reasons jsonb not null,
  obligations jsonb not null,
  input jsonb not null,
  decided_at timestamp with time zone not null default now(),
  constraint decision_once unique (pack_id, input_digest, verdict),
  constraint decision_pkey primary key (id),
  constraint decision_pack_id_fkey foreign key (pack_id) REFERENCES pack(id)
);

create table delivery (
  seq bigint generated always as identity not null,
  id text not null,
  lane text not null,
  event text not null,
  action text,
  installation_id bigint,
  payload text not null,
  received_at timestamp with time zone not null default now(),
  state smallint not null default 0,
  tries integer not null default 0,
  due_at timestamp with time zone not null default now(),
  note text,
  finished_at timestamp with time zone,
  holder text,
  repository text default split_part(lane, '/'::text, 1),
  is_head boolean not null default false,
  constraint delivery_id_key unique (id),
  constraint delivery_pkey primary key (seq)
);
create index delivery_buried on delivery (seq) WHERE (state = 3);
create index delivery_busy on delivery (repository) WHERE (state = 1);
create index delivery_head on delivery (repository, seq) WHERE is_head;
create index delivery_open on delivery (lane, seq) WHERE (state < 2);

create table deployment (
  id bigint generated always as identity not null,
  namespace_id integer not null,
  environment text not null,
  run_id bigint not null,
  artifacts text[] not null,
  commit text,
  plan_digest text not null,
  payload_sha256 text not null,
  finished_at timestamp with time zone not null,
  constraint deployment_run_id_environment_key unique (run_id, environment),
  constraint deployment_pkey primary key (id),
  constraint deployment_namespace_id_fkey foreign key (namespace_id) REFERENCES namespace(id)
);
create index deployment_artifacts on deployment USING gin (artifacts);
create index deployment_commit on deployment (namespace_id, environment, commit);
create index deployment_newest on deployment (namespace_id, environment, finished_at DESC);

create table disclosure (
  run_id bigint not null,
  payload_sha256 text not null,
  signature text not null,
  public_key text not null,
  constraint disclosure_pkey primary key (run_id, payload_sha256)
);

create table dispatch (
  id text not null,
  run_key text not null,
  class text not null,
  ordinal integer not null,
  labels jsonb not null,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  ref text not null,
  status smallint not null default 0,
  status_at timestamp with time zone not null,
  workflow_run_id bigint,
  run_attempt integer not null default 0,
  is_uncertain boolean not null default false,
  refusals integer not null default 0,
  problem text,
  requested_at timestamp with time zone not null,
  due_at timestamp with time zone not null,
  fence integer not null default 0,
  over_at timestamp with time zone,
  holder text,
  held_until timestamp with time zone,
  key_digest text,
  called_at timestamp with time zone,
  constraint dispatch_run_key_class_ordinal_key unique (run_key, class, ordinal),
  constraint dispatch_pkey primary key (id)
);
create index dispatch_due on dispatch (due_at) WHERE (status < 3);
create index dispatch_live on dispatch (installation_id) WHERE (status < 3);
create index dispatch_live_repository on dispatch (repository_id) WHERE (status < 3);
create index dispatch_over on dispatch (status_at) WHERE (status >= 3);
create index dispatch_workflow_run on dispatch (workflow_run_id) WHERE (workflow_run_id IS NOT NULL);

create table event (
  id bigint generated always as identity not null,
  xid xid8 not null default pg_current_xact_id(),
  run_id bigint not null,
  idx integer,
  kind smallint not null,
  attempt smallint,
  at timestamp with time zone not null default now(),
  data jsonb
);
create index event_run on event (run_id, xid, id);

create table evidence_checkpoint (
  size bigint not null,
  note text not null,
  signed_at timestamp with time zone not null default now(),
  constraint evidence_checkpoint_pkey primary key (size)
);

create table evidence_leaf (
  idx bigint not null,
  run_id bigint not null,
  kind smallint not null,
  body text not null,
  constraint evidence_leaf_pkey primary key (idx)
);
create unique index evidence_leaf_run on evidence_leaf (run_id, kind);

create table evidence_log (
  id integer not null default 1,
  verifier_key text not null,
  constraint evidence_log_pkey primary key (id)
);

create table evidence_node (
  level smallint not null,
  idx bigint not null,
  hash bytea not null,
  constraint evidence_node_pkey primary key (level, idx)
);

create table evidence_queue (
  id bigint generated always as identity not null,
  run_id bigint not null,
  kind smallint not null,
  constraint evidence_queue_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);

create table github_run (
  id bigint generated always as identity not null,
  run_id text not null,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  head_sha text not null,
  ref text not null,
  default_branch text not null,
  pull_number integer,
  is_fork boolean not null,
  pipeline_path text not null,
  check_name text not null,
  added_at timestamp with time zone not null default now(),
  closed_at timestamp with time zone,
  survives_closing boolean not null default false,
  base_ref text,
  occasion text not null default ''::text,
  constraint github_run_run_id_key unique (run_id),
  constraint github_run_pkey primary key (id)
);
create index github_run_closed on github_run (closed_at) WHERE (closed_at IS NOT NULL);
create index github_run_commit on github_run (repository_id, head_sha);
create index github_run_open on github_run (id) WHERE (closed_at IS NULL);
create index github_run_pull on github_run (repository_id, pull_number) WHERE (pull_number IS NOT NULL);
create index github_run_ref on github_run (repository_id, ref, id);

create table log_chunk (
  run_id bigint not null,
  idx integer not null,
  fence integer not null,
  seq integer not null,
  attempt smallint not null,
  size_bytes integer not null,
  body bytea not null,
  id bigint generated always as identity not null,
  xid xid8 not null default pg_current_xact_id(),
  constraint log_chunk_pkey primary key (run_id, idx, fence, seq)
);
create index log_chunk_arrival on log_chunk (run_id, xid, id);

create table migration (
  id text not null,
  digest text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migration_pkey primary key (id)
);

create table namespace (
  id integer generated always as identity not null,
  tenant text not null,
  name text not null,
  patch jsonb,
  patch_digest text,
  version integer not null default 0,
  problem text,
  source jsonb,
  changed_at timestamp with time zone not null default now(),
  constraint namespace_tenant_name_key unique (tenant, name),
  constraint namespace_pkey primary key (id)
);

create table outbox (
  id bigint generated always as identity not null,
  kind smallint not null,
  run_id bigint not null,
  due_at timestamp with time zone not null default now(),
  tries integer not null default 0,
  constraint outbox_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
create index outbox_run on outbox (run_id);

create table outcome_share (
  run_id bigint not null,
  idx integer not null,
  bytes integer not null,
  receipt_bytes integer not null,
  constraint outcome_share_pkey primary key (run_id, idx)
) with (fillfactor=70);

create table pack (
  id integer generated always as identity not null,
  digest text not null,
  revision text not null,
  namespace_id integer not null default 1,
  base_id integer,
  version integer,
  in_force boolean not null default false,
  data jsonb,
  constraint pack_pkey primary key (id),
  constraint pack_base_id_fkey foreign key (base_id) REFERENCES policy_base(id),
  constraint pack_namespace_id_fkey foreign key (namespace_id) REFERENCES namespace(id)
);
create unique index pack_once on pack (namespace_id, base_id, digest);

create table plan (
  id integer generated always as identity not null,
  digest text not null,
  body text not null,
  sinks integer not null,
  classes text[] not null,
  pendings integer[] not null,
  succs text[] not null,
  runners smallint[] not null,
  constraint plan_digest_key unique (digest),
  constraint plan_pkey primary key (id)
);

create table policy_base (
  id integer generated always as identity not null,
  digest text not null,
  constraint policy_base_digest_key unique (digest),
  constraint policy_base_pkey primary key (id)
);

create table promotion (
  run_id bigint not null,
  idx integer not null,
  environment text not null,
  artifacts text[] not null,
  commit text,
  is_rollback boolean not null,
  decision_id bigint not null,
  at timestamp with time zone not null default now(),
  constraint promotion_pkey primary key (run_id, idx),
  constraint promotion_decision_id_fkey foreign key (decision_id) REFERENCES decision(id)
);
create index promotion_commit on promotion (commit, environment) WHERE (cardinality(artifacts) = 0);

create table protection_request (
  run_id text not null,
  repository_id bigint not null,
  workflow_run_id bigint not null,
  attempt integer not null,
  environment text not null,
  asked_at timestamp with time zone not null default now(),
  constraint protection_request_pkey primary key (run_id)
);
create index protection_request_of_run on protection_request (repository_id, workflow_run_id);

create table queue (
  id integer generated always as identity not null,
  pool text not null,
  class text not null,
  waits text,
  constraint queue_pool_class_key unique (pool, class),
  constraint queue_pkey primary key (id)
);

create table ready (
  queue integer not null,
  seq bigint generated always as identity not null,
  run_id bigint not null,
  idx integer not null,
  constraint ready_pkey primary key (queue, seq)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);

create table receipt (
  run_id bigint not null,
  payload_sha256 text not null,
  payload text not null,
  signature text not null,
  public_key text not null,
  signed_at timestamp with time zone not null default now(),
  constraint receipt_pkey primary key (run_id)
);
alter table receipt alter column payload set storage external;

create table redelivery (
  id text not null,
  times integer not null default 1,
  asked_at timestamp with time zone not null default now(),
  constraint redelivery_pkey primary key (id)
);

create table release_pack (
  run_id bigint not null,
  digest text not null,
  size_bytes bigint not null,
  constraint release_pack_pkey primary key (run_id)
);

create table report (
  id bigint generated always as identity not null,
  kind text not null,
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  head_sha text not null,
  pull_number integer,
  external_id text not null,
  name text not null,
  content jsonb not null,
  digest text not null,
  version bigint not null,
  is_urgent boolean not null,
  is_due boolean not null default true,
  due_ms bigint not null default 0,
  fence integer not null default 0,
  is_unsure boolean not null default false,
  remote_id bigint,
  sent_digest text,
  sent_annotations integer not null default 0,
  sent_ms bigint,
  writes integer not null default 0,
  failures integer not null default 0,
  problem text,
  holder text,
  held_ms bigint,
  told_digest text,
  asks text not null default '[]'::text,
  told_asks text not null default '[]'::text,
  added_at timestamp with time zone not null default now(),
  is_settled boolean not null default false,
  judged_ms bigint,
  judge_tries integer not null default 0,
  constraint report_repository_id_head_sha_external_id_key unique (repository_id, head_sha, external_id),
  constraint report_pkey primary key (id)
);
create index report_deployed on report (repository_id, name) WHERE (kind = 'deployment'::text);
create index report_due on report (installation_id, id) WHERE is_due;
create index report_incomplete on report (sent_ms) WHERE ((kind = 'check'::text) AND (NOT is_urgent) AND (NOT is_due));
create index report_of_pull on report (repository_id, pull_number) WHERE (pull_number IS NOT NULL);
create index report_release_id on report (repository_id, remote_id) WHERE (kind = 'release'::text);
create index report_release_seen on report (sent_ms) WHERE ((kind = 'release'::text) AND (NOT is_due));
create index report_release_tag on report (repository_id, name) WHERE (kind = 'release'::text);
create index report_release_unjudged on report (judged_ms NULLS FIRST, id) WHERE ((kind = 'release'::text) AND (NOT is_due) AND ((content -> 'gate'::text) = 'null'::jsonb));
create index report_settled on report (added_at) WHERE (NOT is_due);

create table report_pull (
  installation_id bigint not null,
  repository_id bigint not null,
  owner text not null,
  repo text not null,
  pull_number integer not null,
  changed bigint not null default 1,
  seen bigint not null default 0,
  head_sha text,
  added_at timestamp with time zone not null default now(),
  constraint report_pull_pkey primary key (repository_id, pull_number)
);
create index report_pull_changed on report_pull (repository_id) WHERE (changed <> seen);
create index report_pull_head on report_pull (repository_id, head_sha) WHERE (head_sha IS NOT NULL);

create table repository_day (
  repository text not null,
  day date not null,
  blob_bytes bigint not null,
  constraint repository_day_pkey primary key (repository, day)
) with (fillfactor=50);

create table run (
  id bigint generated always as identity not null,
  key text not null,
  plan_id integer not null,
  state smallint not null,
  flags smallint not null default 0,
  sinks_left integer not null,
  attempt integer not null default 1,
  nonce text not null,
  trigger jsonb not null,
  relations jsonb not null default '[]'::jsonb,
  decision_id bigint,
  concurrency_group text,
  pool text not null default ''::text,
  idempotency_key text,
  reason text,
  created_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  namespace_id integer not null default 1,
  constraint run_idempotency_key_key unique (idempotency_key),
  constraint run_key_key unique (key),
  constraint run_pkey primary key (id),
  constraint run_decision_id_fkey foreign key (decision_id) REFERENCES decision(id),
  constraint run_namespace_id_fkey foreign key (namespace_id) REFERENCES namespace(id),
  constraint run_plan_id_fkey foreign key (plan_id) REFERENCES plan(id)
) with (fillfactor=70);
create index run_active on run (id) WHERE (state < 3);
create index run_group on run (concurrency_group, id) WHERE ((state < 3) AND (concurrency_group IS NOT NULL));

create table run_share (
  run_id bigint not null,
  bytes bigint not null,
  receipt_bytes bigint not null,
  constraint run_share_pkey primary key (run_id)
) with (fillfactor=50);

create table secret_release (
  id bigint generated always as identity not null,
  run_id bigint not null,
  idx integer not null,
  fence integer not null,
  names text[] not null,
  decision_id bigint not null,
  at timestamp with time zone not null default now(),
  constraint secret_release_run_id_idx_fence_key unique (run_id, idx, fence),
  constraint secret_release_pkey primary key (id),
  constraint secret_release_decision_id_fkey foreign key (decision_id) REFERENCES decision(id)
);

create table step (
  run_id bigint not null,
  idx integer not null,
  state smallint not null,
  pending integer not null,
  flags smallint not null default 0,
  attempt smallint not null default 0,
  retries smallint not null default 0,
  iteration smallint not null default 0,
  fence integer not null default 0,
  worker integer,
  queue integer not null,
  decision_id bigint,
  pack integer,
  succ integer[] not null,
  hold smallint,
  generation integer not null default 0,
  due_at timestamp with time zone,
  leased_at timestamp with time zone,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  reason text,
  outcome jsonb,
  constraint step_pkey primary key (run_id, idx)
) with (fillfactor=50);

create table suspended_installation (
  installation_id bigint not null,
  suspended_at timestamp with time zone not null default now(),
  constraint suspended_installation_pkey primary key (installation_id)
);

create table test_grant (
  repository_id bigint not null,
  pull_number integer not null,
  head_sha text not null,
  granted_by text not null,
  granted_at timestamp with time zone not null default now(),
  base_ref text not null,
  constraint test_grant_pkey primary key (repository_id, pull_number, head_sha, base_ref)
);
create index test_grant_age on test_grant (granted_at);

create table timer (
  run_id bigint not null,
  idx integer not null,
  kind smallint not null,
  generation integer not null,
  due_at timestamp with time zone not null,
  constraint timer_pkey primary key (run_id, idx, kind)
);
create index timer_due on timer (due_at);

create table worker (
  id integer generated always as identity not null,
  name text not null,
  beat timestamp with time zone not null default now(),
  held_runs bigint[] not null default '{}'::bigint[],
  held_idxs integer[] not null default '{}'::integer[],
  held_fences integer[] not null default '{}'::integer[],
  pool text not null default ''::text,
  classes text[] not null default '{}'::text[],
  isolation text,
  constraint worker_pkey primary key (id)
);

create table worker_session (
  token_hash bytea not null,
  worker integer not null,
  run_key text not null,
  class text not null,
  isolation text not null,
  expires_at timestamp with time zone not null,
  ends_at timestamp with time zone not null default now(),
  constraint worker_session_pkey primary key (token_hash)
);
create index worker_session_worker on worker_session (worker);

create table write_allowance (
  installation_id bigint not null,
  minute double precision not null,
  hour double precision not null,
  at_ms bigint not null,
  closed_until_ms bigint not null default 0,
  resting_until_ms bigint not null default 0,
  granted integer not null default 0,
  constraint write_allowance_pkey primary key (installation_id)
);

create function engine_submit(p_keys text[], p_plans integer[], p_states smallint[], p_nonces text[], p_triggers text[], p_relations text[], p_run_decisions bigint[], p_decisions text[], p_packs integer[], p_groups text[], p_idempotency_keys text[], p_reasons text[], p_pools text[], p_queues text[], p_deadlines bigint[], p_namespaces integer[])
 RETURNS TABLE(key text, run_id bigint)
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
  with input as (
    select * from unnest(p_keys, p_plans, p_states, p_nonces, p_triggers, p_relations, p_run_decisions, p_decisions, p_packs,
      p_groups, p_idempotency_keys, p_reasons, p_pools, p_queues, p_deadlines, p_namespaces)
      as t (key, plan_id, state, nonce, trigger, relations, decision_id, decisions, pack, grp, idempotency_key, reason, pool, queues,
        deadline_ms, namespace_id)),
  born as (
    insert into run (key, plan_id, state, sinks_left, nonce, trigger, relations, decision_id, concurrency_group,
      idempotency_key, reason, pool, namespace_id, started_at, finished_at)
    select i.key, i.plan_id, i.state, case when i.state = 6 then 0 else p.sinks end, i.nonce, i.trigger::jsonb,
      i.relations::jsonb, i.decision_id, i.grp, i.idempotency_key, i.reason, i.pool, i.namespace_id,
      case when i.state = 1 then now() end, case when i.state = 6 then now() end
    from input i join plan p on p.id = i.plan_id
    on conflict (idempotency_key) do nothing
    returning id, key, plan_id, state),
  steps as (
    insert into step (run_id, idx, state, pending, succ, queue, decision_id, pack, finished_at)
    select b.id, u.ord - 1,
      case when b.state = 6 then 8 when b.state = 1 and u.pending = 0 and u.decision_id is not null then 2 else 0 end,
      u.pending, u.succ::int[], (i.queues::int[])[u.runner], u.decision_id, case when u.decision_id is not null then i.pack end,
      case when b.state = 6 then now() end
    from born b join input i on i.key = b.key join plan p on p.id = b.plan_id
      cross join lateral unnest(p.pendings, p.succs, p.runners, i.decisions::bigint[])
        with ordinality as u (pending, succ, runner, decision_id, ord)
    returning run_id, idx, state, pending, queue),
  queued as (
    insert into ready (queue, run_id, idx) select queue, run_id, idx from steps where state = 2 returning 1),
  posted as (
    insert into outbox (kind, run_id, due_at)
    select distinct 1, s.run_id, now() + interval '2 seconds' from steps s join born b on b.id = s.run_id
      where b.state = 1 and s.state = 0 and s.pending = 0
    union all select 2, id, now() from born where state = 6
    returning 1),
  timed as (
    insert into timer (run_id, idx, kind, generation, due_at)
    select b.id, -1, 2, 0, now() + i.deadline_ms * interval '1 millisecond' from born b join input i on i.key = b.key
    where b.state = 1 and i.deadline_ms is not null returning 1),
  told as (
    insert into event (run_id, kind) select id, case state when 0 then 1 when 6 then 6 else 2 end from born returning 1)
  select b.key, b.id from born b;
end $function$
;

create function engine_tick(p_runs bigint[], p_idxs integer[], p_fences integer[], p_outcomes text[], p_slots integer[], p_queues integer[], p_base integer, p_mark bigint)
 RETURNS TABLE(kind integer, run_id bigint, idx integer, attempt integer, iteration integer, fence integer, worker integer)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  if cardinality(p_runs) > 0 then
    perform pg_advisory_xact_lock_shared(7309, b.bucket)
    from (select distinct (r % 256)::int as bucket from unnest(p_runs) as r order by 1) b;
  end if;
  return query
  with input as (
    select * from unnest(p_runs, p_idxs, p_fences, p_outcomes) as t (run_id, idx, fence, outcome)),
  done as (
    update step s set state = 5, finished_at = now(), outcome = i.outcome::jsonb
    from input i
    where s.run_id = i.run_id and s.idx = i.idx and s.state = 3 and s.fence = i.fence
    returning s.run_id, s.idx, s.succ, s.attempt, s.fence, s.flags),
  reached as (
    select d.run_id, u.idx, count(*)::int as n, bit_or(d.flags) as flags
    from done d cross join lateral unnest(d.succ) as u (idx) group by 1, 2),
  locked as (
    select s.run_id, s.idx, s.pending - r.n as pending, (s.flags | r.flags)::smallint as flags,
      c.is_clean, c.is_clean and s.queue = any (p_queues) as is_ours
    from reached r join step s on s.run_id = r.run_id and s.idx = r.idx
      left join pack p on p.id = s.pack
      cross join lateral (select s.pending = r.n and (s.flags | r.flags) = 0 and s.decision_id is not null
        and coalesce(p.in_force and p.base_id = p_base, false) as is_clean) c
    where s.state = 0
    order by s.run_id, s.idx for update of s),
  ranked as (
    select l.*, case when l.is_ours then p_slots[
      sum(l.is_ours::int) over (order by l.run_id, l.idx rows unbounded preceding)] end as slot
    from locked l),
  advanced as (
    update step s set pending = r.pending, flags = r.flags,
      state = case when not r.is_clean then 0 when r.slot is null then 2 else 3 end,
      worker = r.slot,
      attempt = s.attempt + (r.slot is not null)::int,
      fence = s.fence + (r.slot is not null)::int,
      leased_at = case when r.slot is not null then now() end,
      started_at = case when r.slot is not null then now() end
    from ranked r where s.run_id = r.run_id and s.idx = r.idx
    returning s.run_id, s.idx, s.state, s.pending, s.attempt, s.iteration, s.fence, s.worker, s.queue),
  queued as (
    insert into ready (queue, run_id, idx)
    select a.queue, a.run_id, a.idx from advanced a where a.state = 2 returning 1),
  direct as (select count(*)::int as n from advanced where state = 3),
  picked as (
    -- Rows of runs that the slow path holds stay: it tells when it is done.
    select q.* from unnest(p_queues) as w (queue) cross join lateral (
      select r.ctid as place, r.seq, pg_try_advisory_xact_lock_shared(7309, (r.run_id % 256)::int) as is_free
      from ready r where r.queue = w.queue and r.seq > p_mark
      order by r.seq limit greatest(0, cardinality(p_slots) - (select n from direct)) for update skip locked) q
    order by q.seq limit greatest(0, cardinality(p_slots) - (select n from direct))),
  taken as (
    delete from ready where ctid = any (array(select place from picked where is_free)) returning run_id, idx, seq),
  numbered as (
    select t.*, p_slots[(select n from direct) + (row_number() over (order by t.run_id, t.idx))::int] as slot from taken t),
  leased as (
    update step s set state = 3, worker = n.slot, attempt = s.attempt + 1, fence = s.fence + 1,
      leased_at = now(), started_at = coalesce(s.started_at, now())
    from numbered n, pack p
    where s.run_id = n.run_id and s.idx = n.idx and s.state = 2 and p.id = s.pack and p.in_force and p.base_id = p_base
    returning s.run_id, s.idx, s.attempt, s.iteration, s.fence, s.worker),
  outdated as (
    -- Policy has changed since they were judged: they are judged again.
    update step s set state = 0 from numbered n
    where s.run_id = n.run_id and s.idx = n.idx and s.state = 2
      and not exists (select 1 from pack p where p.id = s.pack and p.in_force and p.base_id = p_base)
    returning s.run_id),
  granted as (
    select run_id, idx, attempt, iteration, fence, worker from advanced where state = 3
    union all select run_id, idx, attempt, iteration, fence, worker from leased),
  sunk as (select run_id, count(*)::int as n from done where succ = '{}' group by 1),
  run_locked as (
    select r.id, r.sinks_left - k.n as sinks_left from sunk k join run r on r.id = k.run_id order by r.id for update of r),
  counted as (
    update run r set sinks_left = l.sinks_left,
      state = case when l.sinks_left = 0 and r.flags = 0 and r.state = 1 then 3 else r.state end,
      finished_at = case when l.sinks_left = 0 and r.flags = 0 and r.state = 1 then now() end
    from run_locked l where r.id = l.id
    returning r.id, r.state, r.sinks_left, r.concurrency_group),
  unsettled as (
    select run_id from advanced where state = 0 and pending = 0
    union select run_id from outdated
    union select id from counted where sinks_left = 0 and state <> 3),
  posted as (
    insert into outbox (kind, run_id, due_at)
    select 1, run_id, now() + interval '2 seconds' from unsettled
    union all select 2, id, now() from counted where state = 3
    union all select 3, id, now() from counted where state = 3 and concurrency_group is not null
    returning 1),
  told as (
    insert into event (run_id, idx, kind, attempt)
    select run_id, idx, 11, attempt from done
    union all select run_id, idx, 10, attempt from granted
    union all select id, null, 3, null from counted where state = 3
    returning 1)
  select 1, g.run_id, g.idx, g.attempt::int, g.iteration::int, g.fence, g.worker from granted g
  union all select 2, c.id, 0, 0, 0, 0, 0 from counted c where c.state = 3
  union all select 3, u.run_id, 0, 0, 0, 0, 0 from unsettled u
  union all select 4, i.run_id, i.idx, 0, 0, i.fence, 0 from input i
    -- The count comes first: comparing each with each costs more than the rest of the statement.
    where (select count(*) from done) < cardinality(p_runs)
      and not exists (select 1 from done d where d.run_id = i.run_id and d.idx = i.idx and d.fence = i.fence)
  union all select 5, 0::bigint, (select count(*)::int from queued), 0, 0, 0, 0
  -- Of several queues one may still hold rows below what was taken from another: each look is a full one.
  union all select 6, case when cardinality(p_queues) > 1 then 0::bigint else coalesce(
      (select min(p.seq) - 1 from picked p where not p.is_free), (select max(t.seq) from taken t), 0::bigint) end, (select count(*)::int from taken),
    (select count(*)::int from leased), 0, 0, 0;
end $function$
;

create function evidence_look(batch integer)
 RETURNS jsonb
 LANGUAGE plpgsql
AS $function$
declare
  leaves jsonb;
  tree_size bigint;
  edge jsonb;
begin
  if not pg_try_advisory_xact_lock(7310, 0) then
    return null;
  end if;
  -- The oldest; a run's end never stands before its beginning. Each is looked up: a plan that reads all runs for the sake of one takes
  -- longer than everything else here. What somebody changed by hand holds up nobody: an end whose receipt is gone, and what is there
  -- already.
  select jsonb_agg(jsonb_build_array(q.id, q.run_id, r.key, r.attempt, q.kind, c.payload_sha256) order by q.id) into leaves
  from (select id, run_id, kind from evidence_queue e
    where (kind = 1 or exists (select 1 from receipt where run_id = e.run_id))
      and not exists (select 1 from evidence_leaf where run_id = e.run_id and kind = e.kind) order by id limit batch) q
  cross join lateral (select key, attempt from run where id = q.run_id limit 1) r
  left join lateral (select payload_sha256 from receipt where run_id = q.run_id and q.kind = 2 limit 1) c on true;
  if leaves is null then
    return jsonb_build_object('leaves', '[]'::jsonb, 'size', 0, 'edge', '[]'::jsonb);
  end if;
  select coalesce(max(size), 0) into tree_size from evidence_checkpoint;
  select coalesce(jsonb_agg(jsonb_build_array(l.level, coalesce(encode(n.hash, 'hex'), f.body)) order by l.level desc), '[]'::jsonb) into edge
  from generate_series(0, 52) as l (level)
  left join lateral (select hash from evidence_node where level = l.level and idx = (tree_size >> l.level) - 1 limit 1) n on true
  left join lateral (select body from evidence_leaf where l.level = 0 and idx = tree_size - 1 limit 1) f on true
  where (tree_size >> l.level) & 1 = 1;
  return jsonb_build_object('leaves', leaves, 'size', tree_size, 'edge', edge);
end
$function$
;

create function inbox_accept(p_id text, p_lane text, p_event text, p_action text, p_installation bigint, p_payload text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_lane, 3));
  insert into delivery (id, lane, event, action, installation_id, payload, is_head)
  values (p_id, p_lane, p_event, p_action, p_installation, p_payload,
    not exists (select 1 from delivery o where o.lane = p_lane and o.state < 2))
  on conflict (id) do nothing;
  return found;
end $function$
;

create function inbox_end(p_id text, p_tries integer, p_state smallint, p_note text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
declare
  v_lane text;
begin
  select lane into v_lane from delivery where id = p_id;
  if not found then return false; end if;
  perform pg_advisory_xact_lock(hashtextextended(v_lane, 3));
  update delivery set state = p_state, note = p_note, finished_at = now(), is_head = false
  where id = p_id and tries = p_tries and state = 1;
  if not found then return false; end if;
  update delivery set is_head = true
  where seq = (select min(o.seq) from delivery o where o.lane = v_lane and o.state < 2);
  return true;
end $function$
;
