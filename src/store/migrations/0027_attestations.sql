-- Statements about what a run made, signed by the conductor. They stay as long as its receipt does.
create table attestation (
  id bigint generated always as identity primary key,
  run_id bigint not null,
  -- The step that asked; null for what the conductor says by itself.
  idx int,
  -- Digest of what was asked for: the same is stated once.
  asked text not null,
  predicate_type text not null,
  -- Digests of the contents that it is about.
  subjects text[] not null,
  payload text not null,
  payload_sha256 text not null,
  signature text not null,
  public_key text not null,
  at timestamptz not null default now(),
  unique (run_id, asked)
);

-- Contents that the attempts of steps which may ask for statements have stored: what is not here nor an artifact, the run did not
-- make. Forgotten with the run's usage.
create table attempt_blob (
  run_id bigint not null,
  idx int not null,
  fence int not null,
  digest text not null,
  primary key (run_id, idx, fence, digest)
);
