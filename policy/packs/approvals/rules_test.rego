package maestro.packs.approvals_test

import data.maestro.fixture_test as fixture

prod(change) := object.union({"environment": "prod"}, change)

gate_on_prod(change) := object.union(fixture.gate, prod({"with": change}))

answered(step, change, person) := fixture.approval_with(step, object.union(change, {"person": person}))

obligations(question, change) := {duty.type: duty.value | some duty in fixture.decide(question, change).obligations}

test_work_on_a_protected_environment_is_asked_about if {
	question := fixture.step_with(prod({}))
	fixture.asked_by(question, {}, {"approvals/protected-environment"})
	obligations(question, {}) == {"approvals": 1, "approver-is-not-actor": true, "approver-is-not-author": true}
	fixture.passed(question, {"environments": {"prod": {"protected": false}}})
	fixture.passed(fixture.step_with({"environment": "staging"}), {})
}

test_work_behind_a_promotion_is_not_asked_about_again if {
	fixture.passed(fixture.step_with(prod({"gatedBy": ["prod"]})), {})
	fixture.asked_by(fixture.step_with(prod({"gatedBy": ["staging"]})), {}, {"approvals/protected-environment"})
}

test_work_that_nobody_is_asked_about_obliges_to_nothing if {
	change := {"environments": {"staging": {"approvals": 2, "expires": "1h", "not-author": true}}}
	fixture.passed(fixture.step_with({"environment": "staging"}), change)
}

test_gate_obliges_to_approvals if {
	obligations(fixture.gate_with({}), {}) == {"approvals": 1, "approver-is-not-author": true}
	obligations(fixture.gate_with({"with": {"approvals": 3}}), {}).approvals == 3
	obligations(fixture.gate_with({"with": {"approvals": null}}), {}).approvals == 1
	fixture.passed(fixture.gate_with({"uses": "gate.freeze@1.0.0", "environment": "prod"}), {})
	fixture.passed(fixture.step_with({"kind": "wait", "environment": "prod"}), {})
}

test_environment_obliges_its_gates_and_its_work if {
	change := {"environments": {"prod": {"approvals": 2, "expires": "24h", "not-author": false}}}
	every question in [fixture.gate_with(prod({"with": {"approvals": 1}})), fixture.step_with(prod({}))] {
		obligations(question, change) == {"approvals": 2, "expires-seconds": 86400, "approver-is-not-author": true}
	}
	obligations(fixture.gate_with(prod({"with": {"approvals": 5}})), change).approvals == 5
	obligations(fixture.step_with(prod({"with": {"approvals": 5}})), change).approvals == 2
}

test_gate_alone_may_let_the_author_in if {
	obligations(fixture.gate_with({"with": {"not-author": false}}), {}) == {"approvals": 1}
	stricter := {"approvals": 1, "approver-is-not-actor": true, "approver-is-not-author": true}
	obligations(fixture.gate_with({"with": {"not-author": true}}), {}) == stricter
	obligations(fixture.gate_with(prod({"with": {"not-author": false}})), {}) == stricter
	staging := {"environments": {"staging": {"not-author": true}}}
	obligations(fixture.gate_with({"environment": "staging", "with": {"not-author": false}}), staging) == stricter
	work := fixture.step_with({"tags": ["high-risk"], "with": {"not-author": false}})
	obligations(work, {}) == {"approvals": 1, "approver-is-not-author": true}
}

test_malformed_gate_is_denied if {
	every change in [
		{"approvals": "two"},
		{"approvals": 1.5},
		{"approvals": [2]},
		{"from": "ada"},
		{"from": [1]},
		{"not-author": "no"},
	] {
		fixture.denied_by(fixture.gate_with({"with": change}), {}, {"approvals/malformed-gate"})
		answer := fixture.approval_with(gate_on_prod(change), {})
		fixture.denied_also_by(answer, {}, "approvals/malformed-gate")
	}
	fixture.passed(fixture.step_with({"with": {"approvals": "two", "from": 3}}), {})
}

test_role_may_answer if {
	every step in [null, fixture.gate, object.union(fixture.work, {"environment": "prod"})] {
		every permission in ["write", "maintain", "admin"] {
			fixture.passed(answered(step, {}, {"permission": permission}), {})
		}
		every permission in ["none", "read", "triage"] {
			fixture.denied_by(answered(step, {}, {"permission": permission}), {}, {"approvals/role"})
			fixture.denied_by(answered(step, {"decision": "deny"}, {"permission": permission}), {}, {"approvals/role"})
		}
	}
}

test_release_manager_may_answer_as_well_as_an_approver if {
	change := {"roles": {"approver": {"permissions": []}, "release-manager": {"permissions": [], "people": ["grace"]}}}
	fixture.passed(answered(null, {}, {"permission": "read"}), change)
	fixture.denied_by(answered(null, {}, {"login": "x", "permission": "admin"}), change, {"approvals/role"})
	local := {"provider": "local", "login": "x", "permission": "admin"}
	fixture.passed(answered(null, {}, local), change)
	fixture.denied_by(answered(null, {}, object.union(local, {"permission": "write"})), change, {"approvals/role"})
}

test_app_never_answers if {
	every decision in ["approve", "deny"] {
		app := answered(null, {"decision": decision}, {"isApp": true, "permission": "admin"})
		fixture.denied_by(app, {}, {"approvals/app"})
	}
}

test_gate_names_who_answers if {
	every from in [["grace"], ["ada", "Acme/RELEASE"], ["role:developer"]] {
		fixture.passed(answered(object.union(fixture.gate, {"with": {"from": from}}), {}, {"permission": "write"}), {})
	}
	every from in [
		["ada"],
		["acme/other", "release"],
		["role:release-manager"],
		["role:no-such"],
		["role:grace"],
		["12345approver"],
		[""],
	] {
		question := answered(object.union(fixture.gate, {"with": {"from": from}}), {}, {})
		fixture.denied_by(question, {}, {"approvals/not-named"})
	}

	# Whom the gate names needs no role.
	fixture.passed(answered(object.union(fixture.gate, {"with": {"from": ["grace"]}}), {}, {"permission": "read"}), {})
	every nobody in [[], null] {
		open := object.union(fixture.gate, {"with": {"from": nobody}})
		fixture.passed(answered(open, {}, {}), {})
		fixture.denied_by(answered(open, {}, {"permission": "read"}), {}, {"approvals/role"})
	}
}

test_reviewers_and_gate_both_have_to_agree_on_who_answers if {
	change := {"environments": {"prod": {"reviewers": ["acme/release", "role:admin"]}}}
	fixture.passed(answered(gate_on_prod({}), {}, {"permission": "read"}), change)
	fixture.passed(answered(gate_on_prod({}), {}, {"teams": [], "permission": "admin"}), change)
	fixture.denied_by(answered(gate_on_prod({}), {}, {"teams": []}), change, {"approvals/not-reviewer"})
	fixture.passed(answered(gate_on_prod({"from": ["grace"]}), {}, {}), change)
	fixture.denied_by(answered(gate_on_prod({"from": ["ada"]}), {}, {}), change, {"approvals/not-named"})
	fixture.denied_by(
		answered(gate_on_prod({"from": ["ada"]}), {}, {"teams": []}), change,
		{"approvals/not-named", "approvals/not-reviewer"},
	)
	work := object.union(fixture.work, {"environment": "prod"})
	fixture.denied_by(answered(work, {}, {"teams": []}), change, {"approvals/not-reviewer"})
}

test_local_person_is_named_exactly if {
	local := {"provider": "local", "teams": [], "permission": "admin"}
	gate := object.union(fixture.gate, {"with": {"from": ["Grace"]}})
	fixture.passed(answered(gate, {}, object.union(local, {"login": "Grace"})), {})
	fixture.denied_by(answered(gate, {}, object.union(local, {"login": "grace"})), {}, {"approvals/not-named"})
	team := object.union(fixture.gate, {"with": {"from": ["acme/release", "role:x"]}})
	every login in ["acme/release", "role:x"] {
		fixture.denied_by(answered(team, {}, object.union(local, {"login": login})), {}, {"approvals/not-named"})
	}
}

test_nobody_approves_what_they_wrote if {
	fixture.denied_by(fixture.approval_with(null, {"isAuthor": true}), {}, {"approvals/author"})
	fixture.denied_by(fixture.approval_with(fixture.gate, {"isAuthor": true}), {}, {"approvals/author"})
	open := object.union(fixture.gate, {"with": {"not-author": false}})
	fixture.passed(fixture.approval_with(open, {"isAuthor": true}), {})
	protected := fixture.approval_with(gate_on_prod({"not-author": false}), {"isAuthor": true, "isActor": true})
	fixture.denied_by(protected, {}, {"approvals/actor", "approvals/author"})
}

test_reason_names_an_environment_that_is_closed_though_not_protected if {
	change := {"environments": {"staging": {"not-author": true}}}
	gate := object.union(fixture.gate, {"environment": "staging"})
	some reason in fixture.decide(fixture.approval_with(gate, {"isActor": true}), change).reasons
	contains(reason, "environments.staging.not-author")
}

test_who_started_it_approves_unless_that_is_forbidden if {
	fixture.passed(fixture.approval_with(fixture.gate, {"isActor": true}), {})
	closed := object.union(fixture.gate, {"with": {"not-author": true}})
	fixture.denied_by(fixture.approval_with(closed, {"isActor": true}), {}, {"approvals/actor"})
	fixture.denied_by(fixture.approval_with(gate_on_prod({}), {"isActor": true}), {}, {"approvals/actor"})
	relaxed := {"environments": {"prod": {"not-author": false}}}
	fixture.passed(fixture.approval_with(gate_on_prod({}), {"isActor": true}), relaxed)
}

test_reason_names_the_datum_that_would_let_the_author_in if {
	every case in [
		[fixture.approval_with(fixture.gate, {"isAuthor": true}), "with.not-author of the gate"],
		[fixture.approval_with(gate_on_prod({}), {"isAuthor": true}), "environments.prod.not-author"],
		[object.union(fixture.approval_with(null, {"isAuthor": true}), {"autonomy": "L4"}), "autonomy in"],
		[object.union(fixture.approval_with(gate_on_prod({}), {"isAuthor": true}), {"autonomy": "L4"}), "autonomy in"],
	] {
		some reason in fixture.decide(case[0], {}).reasons
		contains(reason, case[1])
	}
}

test_who_wrote_or_started_it_may_refuse_it if {
	every own in [{"isAuthor": true}, {"isActor": true}] {
		refusal := object.union(own, {"decision": "deny"})
		fixture.passed(answered(fixture.gate, refusal, {"permission": "read"}), {})
		fixture.passed(answered(null, refusal, {"permission": "none"}), {})
	}
	change := {"environments": {"prod": {"reviewers": ["ada"]}}}
	every own in [{"isAuthor": true}, {"isActor": true}] {
		refusal := object.union(own, {"decision": "deny"})
		fixture.passed(answered(gate_on_prod({"from": ["ada"]}), refusal, {"permission": "read"}), change)
	}
	other := answered(gate_on_prod({}), {"decision": "deny"}, {})
	fixture.denied_by(other, change, {"approvals/not-reviewer"})
}

test_approval_for_an_environment_that_is_gone_is_denied if {
	change := {"environments": {"prod": false}}
	fixture.denied_by(fixture.approval_with(gate_on_prod({}), {}), change, {
		"promotion/malformed-data",
		"promotion/unknown-environment",
	})
	gone := object.union(fixture.gate, {"environment": "moon"})
	fixture.denied_by(fixture.approval_with(gone, {}), {}, {"promotion/unknown-environment"})
	fixture.passed(fixture.approval_with(gone, {"decision": "deny"}), {})
}
