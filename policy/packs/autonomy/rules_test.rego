package maestro.packs.autonomy_test

import data.maestro.fixture_test as fixture

at(question, level) := object.union(question, {"autonomy": level})

two := {"approvals": 2, "approver-is-not-actor": true, "approver-is-not-author": true}

obligations(question, change) := {duty.type: duty.value | some duty in fixture.decide(question, change).obligations}

test_level_within_the_maximum_is_allowed if {
	every level in ["L0", "L1", "L2", "L3"] {
		fixture.passed(at(fixture.run, level), {})
		fixture.passed(at(fixture.step_with({}), level), {})
	}
}

test_unknown_level_is_denied if {
	fixture.denied_by(at(fixture.run, "L9"), {}, {"autonomy/unknown"})
	fixture.denied_by(at(fixture.run, ""), {}, {"autonomy/unknown"})
	fixture.denied_by(at(fixture.step_with({}), "l3"), {}, {"autonomy/unknown"})
}

test_level_above_the_maximum_is_asked_about_once if {
	fixture.asked_by(at(fixture.run, "L4"), {}, {"autonomy/above-max"})
	fixture.passed(at(fixture.step_with({}), "L4"), {})
	fixture.asked_by(at(fixture.run, "L2"), {"autonomy": {"max": "L1"}}, {"autonomy/above-max"})
	fixture.passed(at(fixture.run, "L5"), {"autonomy": {"max": "L5"}})
}

test_two_people_agree_above_three if {
	obligations(at(fixture.run, "L4"), {}) == two
	obligations(at(fixture.gate_with({"with": {"not-author": false}}), "L4"), {}) == two
	obligations(at(fixture.step_with({"tags": ["high-risk"]}), "L5"), {}) == two
	obligations(at(fixture.gate_with({"with": {"approvals": 3}}), "L4"), {}).approvals == 3
	one := {"approvals": 1, "approver-is-not-author": true}
	obligations(at(fixture.gate_with({}), "L3"), {}) == one
	obligations(at(fixture.run, "L3"), {"autonomy": {"max": "L2"}}) == one
}

test_two_people_agree_to_what_is_listed_from_three_on if {
	change := {"autonomy": {"dual-control": {"tags": ["deploy"], "environments": ["staging"]}}}
	every step in [{"tags": ["deploy"]}, {"environment": "staging"}] {
		question := at(fixture.step_with(step), "L3")
		fixture.asked_by(question, change, {"autonomy/dual-control"})
		obligations(question, change) == two
		obligations(at(fixture.gate_with(step), "L3"), change) == two
		obligations(at(fixture.gate_with(step), "L2"), change).approvals == 1
		fixture.passed(at(fixture.step_with(step), "L2"), change)
		fixture.passed(fixture.step_with(step), change)
		fixture.passed(at(fixture.step_with(object.union(step, {"kind": "wait"})), "L3"), change)
	}
	fixture.passed(at(fixture.step_with({"environment": "staging", "gatedBy": ["staging"]}), "L3"), change)
	fixture.passed(at(fixture.step_with({"tags": ["test"], "environment": "dev"}), "L3"), change)
	obligations(at(fixture.gate_with({"tags": ["test"], "environment": "dev"}), "L3"), change).approvals == 1
	gated := fixture.step_with({"tags": ["deploy"], "gatedBy": ["staging"]})
	fixture.asked_by(at(gated, "L4"), change, {"autonomy/dual-control"})
}

test_starter_may_not_answer_where_two_people_agree if {
	answer := at(fixture.approval_with(fixture.gate, {"isActor": true}), "L4")
	fixture.denied_by(answer, {}, {"approvals/actor"})
}

test_environment_has_a_ceiling if {
	change := {"environments": {"staging": {"autonomy": "L1"}}}
	every kind in ["work", "gate"] {
		question := fixture.step_with({"kind": kind, "environment": "staging"})
		fixture.allowed(at(question, "L1"), change)
		fixture.allowed(question, change)
		fixture.denied_by(at(question, "L2"), change, {"autonomy/above-environment"})
	}
	fixture.passed(at(fixture.step_with({"environment": "dev"}), "L3"), change)
}

test_malformed_data_is_denied if {
	every change in [
		{"autonomy": {"max": "L7"}},
		{"autonomy": {"max": null}},
		{"autonomy": {"dual-control": []}},
		{"autonomy": {"dual-control": {"tags": "deploy"}}},
		{"autonomy": {"dual-control": {"environments": [1]}}},
	] {
		fixture.denied_by(fixture.step_with({}), change, {"autonomy/malformed-data"})
	}
}
