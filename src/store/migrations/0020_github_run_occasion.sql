-- What the run was started for: code of the same occasion means the same run, and a verdict of another one is no substitute.
alter table github_run add occasion text not null default '';
