-- What a worker serves stands beside it, so that every server can answer it, also after a restart.
alter table worker add pool text not null default '', add classes text[] not null default '{}';

-- A worker that speaks over HTTP. Only the digest of its token is here: who reads the table cannot speak for a worker.
create table worker_session (
  token_hash bytea primary key,
  worker int not null,
  -- Public id of the one run that the worker serves, and the class of its steps.
  run_key text not null,
  class text not null,
  isolation text not null,
  expires_at timestamptz not null
);

create index worker_session_worker on worker_session (worker);
