-- Whether a commit was let to an environment before is asked whenever a gate that only lets others deploy is judged.
create index promotion_commit on promotion (commit, environment) where cardinality(artifacts) = 0;
