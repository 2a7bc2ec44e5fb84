-- What an append to the evidence register goes on from, asked in one round trip: the lock, the leaves that wait, and the tree so far.
-- Each statement of it sees what was committed before it began, so what is read after the lock is what the last appender left.
-- Null where somebody else is at it. Kinds are those of evidence_queue.
create function evidence_look(batch int) returns jsonb language plpgsql as $$
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
$$;
