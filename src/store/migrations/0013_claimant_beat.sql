-- When it beat last, by the database's clock: lives that are too short to count the beats of others still see who is dead.
alter table claimant drop beats;
alter table claimant add beat_at timestamptz not null default now();
