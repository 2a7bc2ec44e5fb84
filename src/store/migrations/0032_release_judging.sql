-- Of pages whose release gate could not be judged when their run ended: when that was tried last, and how often. Whoever was tried the
-- longest ago is next, so that those who never come to a verdict keep nobody waiting.
alter table report add judged_ms bigint;
alter table report add judge_tries int not null default 0;

create index report_release_unjudged on report (judged_ms nulls first, id)
  where kind = 'release' and not is_due and content -> 'gate' = 'null'::jsonb;
