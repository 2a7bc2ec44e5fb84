-- The disclosure pack that lies beside a release: the content stays what passed the gate, though a pack that is made later may be
-- another one.
create table release_pack (
  run_id bigint primary key,
  digest text not null,
  size_bytes bigint not null
);
