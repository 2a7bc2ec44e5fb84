-- Digest of what the job that registered made up for itself: who shows it again is that job, whose answer was lost.
alter table dispatch add key_digest text;
