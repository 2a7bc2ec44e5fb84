-- When its author was shown that it was read: once, however often it is taken up again.
alter table command_request add acknowledged_at timestamptz;
