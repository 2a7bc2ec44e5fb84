-- Webhooks between the moment they were accepted and the moment they were dealt with.

create table delivery (
  -- Order of arrival, also within a lane.
  seq bigint generated always as identity primary key,
  -- X-GitHub-Delivery: redeliveries have the same.
  id text not null unique,
  -- What must happen in order: a pull request, a ref, an installation, a workflow run.
  lane text not null,
  event text not null,
  action text,
  installation_id bigint,
  -- JSON as text: jsonb refuses \u0000, which GitHub's payloads may hold.
  payload text not null,
  received_at timestamptz not null default now(),
  -- 0 waits, 1 is in work, 2 done, 3 given up.
  state smallint not null default 0,
  -- Claims so far: also the fence of the newest claim.
  tries int not null default 0,
  -- Waiting: not before. In work: the claim ends.
  due_at timestamptz not null default now(),
  -- What came of it, or the newest failure.
  note text,
  finished_at timestamptz
);
create index delivery_open on delivery (lane, seq) where state < 2;
create index delivery_working on delivery (lane) where state = 1;
create index delivery_buried on delivery (seq) where state = 3;

-- Deliveries that GitHub was asked to send again.
create table redelivery (
  id text primary key,
  times int not null default 1,
  asked_at timestamptz not null default now()
);
