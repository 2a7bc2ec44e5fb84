-- Pipelines of a fork come from the base branch, which its author chooses: a grant is for one of them. Grants from before name
-- none and cover none.

alter table test_grant add column base_ref text not null default '';
alter table test_grant alter column base_ref drop default;
alter table test_grant drop constraint test_grant_pkey;
alter table test_grant add primary key (repository_id, pull_number, head_sha, base_ref);
