-- When GitHub was asked last: a workflow run that came of it shows in GitHub's lists only some time after.
alter table dispatch add called_at timestamptz;
