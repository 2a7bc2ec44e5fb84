-- What signs a disclosure pack. The pack itself is made anew each time it is asked for; a signature of ECDSA is another one each time,
-- so it is kept: the pack stays the same byte for byte as long as what it is made of does.
create table disclosure (
  run_id bigint not null,
  payload_sha256 text not null,
  signature text not null,
  public_key text not null,
  primary key (run_id, payload_sha256)
);
