package maestro.packs.base_test

import data.maestro.fixture_test as fixture

test_ordinary_questions_are_allowed if {
	fixture.passed(fixture.run, {})
	fixture.passed(fixture.step_with({}), {})
	fixture.passed(fixture.step_with({"tags": ["pii"], "environment": "staging", "runner": "gpu"}), {})
	fixture.passed(fixture.secret_with({"secrets": ["TOKEN"]}, "user"), {})
	fixture.passed(fixture.promotion_with({}), {})
}

test_unknown_names_are_denied if {
	fixture.denied_by(fixture.run_with({"pipeline": {"kind": "foo"}}), {}, {"base/unknown-kind"})
	fixture.denied_by(fixture.step_with({"kind": "foo"}), {}, {"base/unknown-step-kind"})
	fixture.denied_by(fixture.step_with({"runner": "foo"}), {}, {"base/unknown-runner"})
	fixture.denied_by(fixture.step_with({"tags": ["pii", "foo"]}), {}, {"base/unknown-tag"})
}

test_empty_names_are_unknown if {
	fixture.denied_by(fixture.step_with({"tags": [""]}), {}, {"base/unknown-tag"})
	fixture.denied_by(fixture.step_with({"runner": ""}), {}, {"base/unknown-runner"})
}

test_look_alike_tag_is_unknown if {
	fixture.denied_by(fixture.step_with({"tags": ["pіi"]}), {}, {"base/unknown-tag"})
}

test_reason_names_pack_rule_and_datum if {
	decision := fixture.decide(fixture.step_with({"tags": ["foo"]}), {})
	decision.reasons == [`base/unknown-tag: tag "foo" is not in data.tags; add it to tags in .maestro/policy.yaml`]
}

test_every_reason_is_given if {
	question := fixture.step_with({"tags": ["foo", "bar"], "environment": "foo"})
	count(fixture.decide(question, {}).reasons) == 3
}

test_long_list_is_denied_without_a_reason_for_each if {
	many := [concat("", ["t", format_int(number, 10)]) | some number in numbers.range(1, 101)]
	every name in ["tags", "egress", "secrets"] {
		decision := fixture.decide(fixture.step_with({name: many}), {})
		"base/too-long" in fixture.rules_of(decision.reasons)
		count(decision.reasons) <= 101
		question := fixture.step_with({name: array.slice(many, 0, 100)})
		not fixture.denied_also_by(question, {}, "base/too-long")
	}
}

test_deny_beats_ask if {
	fixture.denied_by(fixture.step_with({"tags": ["high-risk", "foo"]}), {}, {"base/unknown-tag"})
}

test_denied_tag_is_denied if {
	change := {"tags": {"pii": {"verdict": "deny"}}}
	fixture.denied_by(fixture.step_with({"tags": ["pii"]}), change, {"base/tag-denied"})
}

test_risky_work_is_asked_about if {
	fixture.asked_by(fixture.step_with({"tags": ["high-risk"]}), {}, {"base/tag-asks"})
	fixture.asked_by(fixture.step_with({"tags": ["pii"]}), {"tags": {"pii": {"verdict": "ask"}}}, {"base/tag-asks"})
}

test_gate_and_wait_are_reached if {
	every kind in ["gate", "wait"] {
		fixture.allowed(fixture.step_with({"kind": kind, "tags": ["high-risk"], "environment": "prod"}), {})
	}
}

test_malformed_questions_of_runs_and_steps_are_denied if {
	every question in [
		{},
		object.remove(fixture.run, {"purpose"}),
		fixture.run_with({"phase": "other"}),
		fixture.run_with({"step": fixture.work}),
		fixture.run_with({"phase": "step"}),
		fixture.run_with({"trigger": {"isFork": "no"}}),
		fixture.run_with({"pipeline": {"steps": "3"}}),
		fixture.run_with({"pipeline": {"steps": 1.5}}),
		fixture.run_with({"pipeline": {"steps": 1e300}}),
		fixture.run_with({"budget": {"tokens": "1"}}),
		fixture.run_with({"autonomy": 3}),
		fixture.run_with({"authority": []}),
		fixture.run_with({"licence": 1}),
		fixture.step_with({"tags": "pii"}),
		fixture.step_with({"tags": [1]}),
		fixture.step_with({"secrets": null}),
		fixture.step_with({"egress": {"a": "b"}}),
		fixture.step_with({"gatedBy": null}),
		fixture.step_with({"with": []}),
	] {
		fixture.denied_also_by(question, {}, "base/malformed-input")
	}
}

test_malformed_questions_about_people_and_promotions_are_denied if {
	every question in [
		fixture.secret_with({}, "jail"),
		object.remove(fixture.secret_with({}, "user"), {"secret"}),
		fixture.action_with("status", {"isApp": null}),
		fixture.action_with("status", {"teams": "acme/release"}),
		fixture.action_with("status", {"permission": "god"}),
		object.union(fixture.action_with("status", {}), {"purpose": 3}),
		fixture.approval_with("gate", {}),
		fixture.approval_with(null, {"decision": "revoke"}),
		fixture.approval_with(null, {"isAuthor": null}),
		fixture.promotion_with({"isRollback": "yes"}),
		fixture.promotion_with({"artifacts": "sha256:aa"}),
		fixture.promotion_with({"deployments": [{"environment": "staging", "ageSeconds": "9", "isVerified": true}]}),
		fixture.promotion_with({"deployments": [{"environment": "staging", "ageSeconds": -1e300, "isVerified": true}]}),
		fixture.promotion_with({"checks": [{"name": "ci"}]}),
		fixture.promotion_with({"checks": {}}),
		fixture.promotion_with({"deployments": {}}),
	] {
		fixture.denied_also_by(question, {}, "base/malformed-input")
	}
}

test_absent_question_and_data_are_denied if {
	decision := data.maestro.decision
	decision.verdict == "deny"
	"base/malformed-input" in fixture.rules_of(decision.reasons)
	"base/missing-data" in fixture.rules_of(decision.reasons)
}

test_missing_data_is_denied if {
	every name in object.keys(fixture.defaults) {
		decision := fixture.decide(fixture.run, {name: null})
		decision.verdict == "deny"
		some rule in fixture.rules_of(decision.reasons)
		endswith(rule, "/missing-data")
	}
}

test_malformed_tag_is_denied if {
	every entry in ["ask", {"verdict": "perhaps"}, []] {
		question := fixture.step_with({"tags": ["pii"]})
		fixture.denied_also_by(question, {"tags": {"pii": entry}}, "base/malformed-data")
	}
}
