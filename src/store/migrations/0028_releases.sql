-- What GitHub should show of releases: rows of `report` of one more kind, `release`. Of these the name is the tag and
-- `remote_id` the release's id.

-- Everything that the run brings stood on the page once: what is not there any more was taken away.
alter table report add is_settled boolean not null default false;

-- Webhooks name a release by its id; runs find each other by the tag.
create index report_release_id on report (repository_id, remote_id) where kind = 'release';
create index report_release_tag on report (repository_id, name) where kind = 'release';
-- Those that are looked at once more, the longest unseen first.
create index report_release_seen on report (sent_ms) where kind = 'release' and not is_due;
