-- Whose runs these are, the policy that is in force for each, and what people and promotions leave behind.

-- A tenant is an installation, a namespace one repository of it. The first row is Maestro's own, for runs that name none.
create table namespace (
  id int generated always as identity primary key,
  tenant text not null,
  name text not null,
  -- What its policy file changes, as JSON; null where it has none.
  patch jsonb,
  patch_digest text,
  -- Grows whenever the patch changes.
  version int not null default 0,
  -- Why the newest file is not in force: nothing new may begin until it is mended.
  problem text,
  source jsonb,
  changed_at timestamptz not null default now(),
  unique (tenant, name)
);
insert into namespace (tenant, name) values ('local', 'local');
insert into namespace (tenant, name)
  select distinct 'github:' || installation_id, 'github:' || repository_id from github_run order by 1, 2;

alter table run add column namespace_id int not null default 1 references namespace;
update run r set namespace_id = n.id from github_run g
  join namespace n on n.tenant = 'github:' || g.installation_id and n.name = 'github:' || g.repository_id
  where g.run_id = r.key;

-- Rules with the data that holds where a namespace says nothing: what a conductor was started with.
create table policy_base (
  id int generated always as identity primary key,
  digest text not null unique
);

-- A pack is a base with the data of one namespace. Steps are leased under a pack that is in force for their namespace.
alter table pack drop constraint pack_digest_key;
alter table pack add column namespace_id int not null default 1 references namespace;
alter table pack add column base_id int references policy_base;
-- Of the namespace's patch. Only packs of the newest version are in force.
alter table pack add column version int;
alter table pack add column in_force boolean not null default false;
-- The whole data document, so that a decision can be replayed.
alter table pack add column data jsonb;
create unique index pack_once on pack (namespace_id, base_id, digest);

-- Rules that failed deny, for want of memory or time; asked again they may allow. The two are not one decision.
alter table decision drop constraint decision_pack_id_input_digest_key;
alter table decision add constraint decision_once unique (pack_id, input_digest, verdict);

-- The account stays when its login is given to somebody else: one person, one answer.
alter table approval add column account text;
update approval set account = principal;
alter table approval alter column account set not null;
alter table approval drop constraint approval_run_id_idx_generation_provider_principal_key;
alter table approval add constraint approval_once unique (run_id, idx, generation, provider, account);
alter table approval add column environment text;
alter table approval add column revoked_at timestamptz;
alter table approval add column decision_id bigint references decision;
-- Policy was not asked about answers until now: those that were not used yet have to be given anew.
update approval a set revoked_at = now() from run r where r.id = a.run_id and r.state < 3 and a.decision = 'approve';

-- What passed a gate to an environment, and on which decision.
create table promotion (
  run_id bigint not null,
  idx int not null,
  environment text not null,
  artifacts text[] not null,
  commit text,
  is_rollback boolean not null,
  decision_id bigint not null references decision,
  at timestamptz not null default now(),
  primary key (run_id, idx)
);

-- Written with the receipt of the run that did it, so what stands here is proven.
create table deployment (
  id bigint generated always as identity primary key,
  namespace_id int not null references namespace,
  environment text not null,
  run_id bigint not null,
  artifacts text[] not null,
  commit text,
  -- Of what brought it there.
  plan_digest text not null,
  payload_sha256 text not null,
  finished_at timestamptz not null,
  unique (run_id, environment)
);
create index deployment_newest on deployment (namespace_id, environment, finished_at desc);
create index deployment_commit on deployment (namespace_id, environment, commit);
create index deployment_artifacts on deployment using gin (artifacts);

-- Names of secrets whose values went to a worker; never the values.
create table secret_release (
  id bigint generated always as identity primary key,
  run_id bigint not null,
  idx int not null,
  fence int not null,
  names text[] not null,
  decision_id bigint not null references decision,
  at timestamptz not null default now(),
  unique (run_id, idx, fence)
);

drop function engine_tick(bigint[], int[], int[], text[], int[], int[], int, bigint);
drop function engine_submit(text[], int[], smallint[], text[], text[], text[], bigint[], text[], int, text[], text[], text[], text[], text[], bigint[]);

-- As in 0002_tick.sql, but that a standing decision counts while its pack is in force for its namespace, under the base of
-- the conductor that asks.
create function engine_tick(
  p_runs bigint[], p_idxs int[], p_fences int[], p_outcomes text[],
  p_slots int[], p_queues int[], p_base int, p_mark bigint
) returns table (kind int, run_id bigint, idx int, attempt int, iteration int, fence int, worker int)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
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
end $$;

-- As in 0002_tick.sql; each run has its namespace, and the pack of its standing decisions.
create function engine_submit(
  p_keys text[], p_plans int[], p_states smallint[], p_nonces text[], p_triggers text[], p_relations text[],
  p_run_decisions bigint[], p_decisions text[], p_packs int[], p_groups text[], p_idempotency_keys text[], p_reasons text[],
  p_pools text[], p_queues text[], p_deadlines bigint[], p_namespaces int[]
) returns table (key text, run_id bigint)
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
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
end $$;
