-- Which repositories stored a content. A digest is no secret (receipts name it), so it must not be the key to what somebody
-- else's repository stored on the same server.

create table blob_owner (
  -- As the engine keeps repositories apart: `github:<id>`.
  repository text not null,
  digest text not null,
  primary key (repository, digest)
);
