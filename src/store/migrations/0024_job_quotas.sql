-- Quotas of a repository count what lives of it, whichever installation it belonged to when that was asked for.
create index dispatch_live_repository on dispatch (repository_id) where status < 3;
-- What a class of a dedicated run waits for before it gets a job. It goes with the queue, when the run is over.
alter table queue add waits text;
