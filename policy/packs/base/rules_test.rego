package maestro.packs_test.base

import data.maestro

settings := {
	"kinds": {"ci": {}},
	"purposes": {"release": {}},
	"environments": {"staging": {}, "prod": {"protected": true}},
	"runners": {"linux": {"forks": true}, "gpu": {}},
	"tags": {"pii": {}, "high-risk": {"verdict": "ask"}, "forbidden": {"verdict": "deny"}},
	"autonomy": {"max": "L3"},
	"budget": {},
	"secrets": {},
	"egress": {},
}

run_question := {
	"phase": "run",
	"pipeline": {"name": "golden", "kind": "ci", "version": null},
	"trigger": {
		"type": "manual",
		"actor": {"provider": "local", "id": "me"},
		"repository": "file:///golden",
		"ref": null,
		"isFork": false,
	},
	"purpose": null,
	"authority": null,
	"licence": null,
	"autonomy": null,
	"budget": {"microUsd": null, "tokens": null, "minutes": null},
	"step": null,
}

work := {
	"kind": "work",
	"uses": "shell",
	"code": {"uri": "builtin:shell", "digest": null},
	"runner": "linux",
	"tags": [],
	"egress": [],
	"secrets": [],
	"environment": null,
	"isIdempotent": true,
	"timeoutMs": 60000,
	"with": {},
}

run_with(change) := object.union(run_question, change)

step_with(change) := object.union(run_question, {"phase": "step", "step": object.union(work, change)})

fork_with(change) := object.union(step_with(change), {"trigger": {"isFork": true}})

settings_with(change) := object.union(settings, change)

decide(question, config) := answer if {
	answer := maestro.decision with input as question
		with data.kinds as config.kinds
		with data.purposes as config.purposes
		with data.environments as config.environments
		with data.runners as config.runners
		with data.tags as config.tags
		with data.autonomy as config.autonomy
		with data.budget as config.budget
		with data.secrets as config.secrets
		with data.egress as config.egress
}

rules_of(decision) := {rule |
	some reason in decision.reasons
	rule := split(reason, ":")[0]
}

denied_by(question, config, rules) if {
	decision := decide(question, config)
	decision.verdict == "deny"
	decision.obligations == []
	rules_of(decision) == rules
}

asked_by(question, config, rules) if {
	decision := decide(question, config)
	decision.verdict == "ask"
	rules_of(decision) == rules
}

allowed(question, config) if decide(question, config) == {"verdict": "allow", "reasons": [], "obligations": []}

test_ordinary_run_is_allowed if allowed(run_question, settings)

test_ordinary_step_is_allowed if allowed(step_with({}), settings)

test_known_names_are_allowed if {
	allowed(run_with({"purpose": "release", "autonomy": "L3"}), settings)
	allowed(step_with({"tags": ["pii"], "environment": "staging", "runner": "gpu"}), settings)
}

test_unknown_names_are_denied if {
	denied_by(run_with({"pipeline": {"kind": "foo"}}), settings, {"base/unknown-kind"})
	denied_by(run_with({"purpose": "foo"}), settings, {"base/unknown-purpose"})
	denied_by(run_with({"autonomy": "L9"}), settings, {"base/unknown-autonomy"})
	denied_by(step_with({"kind": "foo"}), settings, {"base/unknown-step-kind"})
	denied_by(step_with({"runner": "foo"}), settings, {"base/unknown-runner"})
	denied_by(step_with({"environment": "foo"}), settings, {"base/unknown-environment"})
	denied_by(step_with({"tags": ["pii", "foo"]}), settings, {"base/unknown-tag"})
}

test_empty_names_are_unknown if {
	denied_by(run_with({"purpose": ""}), settings, {"base/unknown-purpose"})
	denied_by(step_with({"environment": ""}), settings, {"base/unknown-environment"})
	denied_by(step_with({"tags": [""]}), settings, {"base/unknown-tag"})
	denied_by(step_with({"runner": ""}), settings, {"base/unknown-runner"})
}

test_look_alike_tag_is_unknown if denied_by(step_with({"tags": ["pіi"]}), settings, {"base/unknown-tag"})

test_reason_names_pack_rule_and_datum if {
	decision := decide(step_with({"tags": ["foo"]}), settings)
	decision.reasons == [`base/unknown-tag: tag "foo" is not in data.tags; add it to tags in .maestro/policy.yaml`]
}

test_every_reason_is_given if {
	question := step_with({"tags": ["foo", "bar"], "environment": "foo"})
	count(decide(question, settings).reasons) == 3
}

test_deny_beats_ask if denied_by(step_with({"tags": ["high-risk", "foo"]}), settings, {"base/unknown-tag"})

test_denied_tag_is_denied if denied_by(step_with({"tags": ["forbidden"]}), settings, {"base/tag-denied"})

test_risky_work_is_asked_about if {
	asked_by(step_with({"tags": ["high-risk"]}), settings, {"base/tag-asks"})
	asked_by(step_with({"environment": "prod"}), settings, {"base/protected-environment"})
}

test_gate_and_wait_are_reached if {
	every kind in ["gate", "wait"] {
		allowed(step_with({"kind": kind, "tags": ["high-risk"], "environment": "prod"}), settings)
	}
}

test_autonomy_above_the_maximum_is_asked_about_once if {
	asked_by(run_with({"autonomy": "L4"}), settings, {"base/autonomy-above-max"})
	allowed(object.union(step_with({}), {"autonomy": "L4"}), settings)
}

test_budget_is_capped if {
	capped := settings_with({"budget": {"max": {"usd": 0.5, "tokens": 100, "minutes": 10}}})
	within := {"microUsd": 500000, "tokens": 100, "minutes": 10}
	allowed(run_with({"budget": within}), capped)
	every change in [{"microUsd": 500001}, {"tokens": 101}, {"minutes": 10.5}] {
		denied_by(run_with({"budget": object.union(within, change)}), capped, {"base/budget-above-max"})
	}
	denied_by(run_question, capped, {"base/budget-missing"})
}

test_fork_gets_no_secret_and_only_its_runners if {
	allowed(fork_with({}), settings)
	denied_by(fork_with({"secrets": ["TOKEN"]}), settings, {"base/fork-secret"})
	denied_by(fork_with({"runner": "gpu"}), settings, {"base/fork-runner"})
	denied_by(fork_with({"runner": "foo"}), settings, {"base/fork-runner", "base/unknown-runner"})
}

test_secrets_stay_within_the_list if {
	listed := settings_with({"secrets": {"allow": ["TOKEN"]}})
	allowed(step_with({"secrets": ["ANY"]}), settings)
	allowed(step_with({"secrets": ["TOKEN"]}), listed)
	denied_by(step_with({"secrets": ["TOKEN", "token"]}), listed, {"base/secret-not-allowed"})
	denied_by(step_with({"secrets": ["TOKEN"]}), settings_with({"secrets": {"allow": []}}), {"base/secret-not-allowed"})
}

test_egress_stays_within_the_list if {
	listed := settings_with({"egress": {"allow": ["api.example.com", "*.npmjs.org", "db.example.com:5432"]}})
	allowed(step_with({"egress": ["any.example.com"]}), settings)
	every host in ["api.example.com", "API.example.com", "registry.npmjs.org", "*.npmjs.org", "db.example.com:5432"] {
		allowed(step_with({"egress": [host]}), listed)
	}
	every host in ["npmjs.org", "evilnpmjs.org", "api.example.com.evil.org", "db.example.com"] {
		denied_by(step_with({"egress": [host]}), listed, {"base/egress-not-allowed"})
	}
}

test_unknown_host_is_denied_where_hosts_are_listed if {
	listed := settings_with({"egress": {"allow": ["api.example.com"]}})
	allowed(step_with({"egress": ["*"]}), settings)
	allowed(step_with({"uses": "http"}), settings)
	allowed(step_with({}), listed)
	allowed(step_with({"uses": "http@1", "egress": ["api.example.com"]}), listed)
	every change in [{"egress": ["*"]}, {"egress": ["api.example.com", "*"]}, {"uses": "http"}, {"uses": "notify@1"}] {
		denied_by(step_with(change), listed, {"base/egress-unknown"})
	}
}

test_malformed_egress_is_denied if {
	every host in ["", "https://example.com", "a b", "user@example.com", "exаmple.com", "Key.com", "evil.com/.npmjs.org"] {
		denied_by(step_with({"egress": [host]}), settings, {"base/malformed-egress"})
	}
}

test_malformed_question_is_denied if {
	every question in [
		{},
		object.remove(run_question, {"purpose"}),
		run_with({"phase": "other"}),
		run_with({"step": work}),
		run_with({"phase": "step"}),
		run_with({"trigger": {"isFork": "no"}}),
		run_with({"budget": {"tokens": "1"}}),
		run_with({"autonomy": 3}),
		step_with({"tags": "pii"}),
		step_with({"tags": [1]}),
		step_with({"secrets": null}),
		step_with({"egress": {"a": "b"}}),
		step_with({"with": []}),
	] {
		decision := decide(question, settings)
		decision.verdict == "deny"
		"base/malformed-input" in rules_of(decision)
	}
}

test_absent_question_is_denied if {
	decision := maestro.decision
	decision.verdict == "deny"
	"base/malformed-input" in rules_of(decision)
}

test_missing_data_is_denied if {
	every name in object.keys(settings) {
		decision := decide(run_question, settings_with({name: null}))
		decision.verdict == "deny"
		"base/missing-data" in rules_of(decision)
	}
	"base/missing-data" in rules_of(maestro.decision)
}

test_malformed_data_is_denied if {
	every change in [
		{"autonomy": {"max": "L7"}},
		{"tags": {"pii": {"verdict": "perhaps"}}},
		{"environments": {"staging": {"protected": "no"}}},
		{"secrets": {"allow": "TOKEN"}},
		{"secrets": {"allow": [1]}},
		{"egress": {"allow": {"host": true}}},
		{"budget": {"max": {"usd": "5"}}},
		{"budget": {"max": {"tokens": null}}},
		{"budget": {"max": {"dollars": 5}}},
		{"budget": {"max": "5usd"}},
	] {
		decision := decide(step_with({}), settings_with(change))
		decision.verdict == "deny"
		"base/malformed-data" in rules_of(decision)
	}
}
