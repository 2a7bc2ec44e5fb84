-- Which delivery of a lane is the next: known when it comes and when the one before ends, so that a claim need not walk
-- from lane to lane to find out.

alter table delivery
  add column repository text generated always as (split_part(lane, '/', 1)) stored,
  -- The oldest that is open in its lane.
  add column is_head boolean not null default false;
update delivery set is_head = true
where seq in (select min(seq) from delivery where state < 2 group by lane);
create index delivery_head on delivery (repository, seq) where is_head;
drop index delivery_working;
create index delivery_busy on delivery (repository) where state = 1;

-- A lane's deliveries come and end one at a time, or two could be its head, or none. Answers whether it is new.
create function inbox_accept(
  p_id text, p_lane text, p_event text, p_action text, p_installation bigint, p_payload text) returns boolean
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_lane, 3));
  insert into delivery (id, lane, event, action, installation_id, payload, is_head)
  values (p_id, p_lane, p_event, p_action, p_installation, p_payload,
    not exists (select 1 from delivery o where o.lane = p_lane and o.state < 2))
  on conflict (id) do nothing;
  return found;
end $$;

-- Answers whether the claim was still good.
create function inbox_end(p_id text, p_tries int, p_state smallint, p_note text) returns boolean
language plpgsql as $$
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
end $$;
