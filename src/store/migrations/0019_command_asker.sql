-- Who asked, so that strangers cannot spend a repository's calls to GitHub with comments. By GitHub's ids.
alter table command_request add repository_id bigint, add person_id bigint, add asked_at timestamptz not null default now();
create index command_request_asker on command_request (repository_id, person_id, asked_at) where person_id is not null;
