package maestro.packs.promotion_test

import data.maestro.fixture_test as fixture

# dev -> qa and staging -> prod
ordered(change) := {"environments": object.union(
	{"dev": {"order": 1}, "qa": {"order": 2}, "staging": {"order": 2}, "prod": {"order": 3}},
	change,
)}

deployed(name, seconds) := {"environment": name, "ageSeconds": seconds, "isVerified": true}

upstream := [deployed("qa", 3600), deployed("staging", 3600), deployed("moon", 1)]

promotion(change) := fixture.promotion_with(object.union({"deployments": upstream}, change))

test_environment_without_order_has_nothing_before_it if {
	fixture.passed(fixture.promotion_with({}), {})
	fixture.passed(promotion({"environment": "dev", "deployments": []}), ordered({}))
}

test_unknown_environment_is_denied if {
	fixture.denied_by(fixture.step_with({"environment": "moon"}), {}, {"promotion/unknown-environment"})
	fixture.denied_by(fixture.step_with({"environment": ""}), {}, {"promotion/unknown-environment"})
	fixture.denied_by(fixture.promotion_with({"environment": "moon"}), {}, {"promotion/unknown-environment"})
	rollback := fixture.promotion_with({"environment": "moon", "isRollback": true})
	fixture.denied_by(rollback, {}, {"promotion/unknown-environment"})
	secret := fixture.secret_with({"environment": "moon", "secrets": ["A"]}, "user")
	fixture.denied_by(secret, {}, {"promotion/unknown-environment"})
}

test_gate_of_an_environment_names_one if {
	every uses in ["gate.promote", "gate.promote@1.0.0", "gate.freeze"] {
		fixture.allowed(fixture.gate_with({"uses": uses, "environment": "prod"}), {})
		fixture.denied_by(fixture.gate_with({"uses": uses}), {}, {"promotion/environment-missing"})
		unknown := fixture.gate_with({"uses": uses, "environment": "moon"})
		fixture.denied_by(unknown, {}, {"promotion/unknown-environment"})
	}
}

test_exactly_this_was_in_every_environment_of_the_next_lower_order if {
	fixture.passed(promotion({}), ordered({}))
	fixture.denied_by(promotion({"deployments": [deployed("staging", 3600)]}), ordered({}), {"promotion/upstream"})
	fixture.denied_by(promotion({"deployments": [deployed("dev", 3600)]}), ordered({}), {"promotion/upstream"})
	fixture.passed(promotion({"environment": "qa", "deployments": [deployed("dev", 0)]}), ordered({}))
}

test_reason_names_the_digest if {
	decision := fixture.decide(promotion({"deployments": [deployed("qa", 9)]}), ordered({}))
	decision.reasons == [concat("", [
		"promotion/upstream: ", fixture.digest, " is not what staging runs; deploy exactly this there first, ",
		"or change environments.prod.order in .maestro/policy.yaml",
	])]
}

test_commit_stands_for_artifacts_where_there_are_none if {
	question := promotion({"artifacts": [], "deployments": []})
	every reason in fixture.decide(question, ordered({})).reasons { contains(reason, "1f2e3d is not what") }
	nothing := promotion({"artifacts": [], "commit": null})
	fixture.denied_by(nothing, ordered({}), {"promotion/nothing"})
}

test_deployment_without_a_signed_receipt_does_not_count if {
	rumour := object.union(deployed("qa", 3600), {"isVerified": false})
	question := promotion({"deployments": [rumour, deployed("staging", 3600)]})
	fixture.denied_by(question, ordered({}), {"promotion/unverified"})
}

test_it_stays_upstream_for_its_soak_time if {
	soak := ordered({"prod": {"soak": "2h"}})
	question := promotion({"deployments": [deployed("qa", 7199), deployed("staging", 7200)]})
	fixture.held_by(question, soak, {"promotion/soak"})
	fixture.duty(question, soak, "hold-seconds") == [1]
	fixture.duty(promotion({}), soak, "hold-seconds") == [3600]
	fixture.passed(promotion({"deployments": [deployed("qa", 7200), deployed("staging", 7200)]}), soak)
	every case in [["90s", 90], ["5m", 300], ["1d", 86400]] {
		fresh := promotion({"deployments": [deployed("qa", 0), deployed("staging", 0)]})
		fixture.duty(fresh, ordered({"prod": {"soak": case[0]}}), "hold-seconds") == [case[1]]
	}
}

test_youngest_of_several_deployments_counts if {
	several := promotion({"deployments": array.concat(upstream, [deployed("qa", 10)])})
	fixture.duty(several, ordered({"prod": {"soak": "60s"}}), "hold-seconds") == [50]
}

test_clock_that_ran_backwards_does_not_shorten_the_soak if {
	question := promotion({"deployments": [deployed("qa", -60), deployed("staging", 9999)]})
	fixture.duty(question, ordered({"prod": {"soak": "60s"}}), "hold-seconds") == [120]
}

test_listed_checks_are_green if {
	wanted := ordered({"prod": {"checks": ["ci/build"]}})
	every conclusion in ["success", "neutral", "skipped"] {
		checks := [{"name": "ci/build", "conclusion": conclusion}, {"name": "other", "conclusion": "failure"}]
		fixture.passed(promotion({"checks": checks}), wanted)
	}
	every conclusion in ["failure", "cancelled", "timed_out", "action_required", "stale", ""] {
		# One of the same name that is green does not help.
		checks := [{"name": "ci/build", "conclusion": conclusion}, {"name": "ci/build", "conclusion": "success"}]
		fixture.denied_by(promotion({"checks": checks}), wanted, {"promotion/check-failed"})
	}
	running := [{"name": "ci/build", "conclusion": null}]
	fixture.held_by(promotion({"checks": running}), wanted, {"promotion/checks"})
	fixture.held_by(promotion({"checks": []}), wanted, {"promotion/checks"})
}

test_all_checks_are_green if {
	wanted := ordered({"prod": {"checks": "all"}})
	green := {"name": "ci/build", "conclusion": "success"}
	fixture.passed(promotion({"checks": [green]}), wanted)
	fixture.held_by(promotion({"checks": [green, {"name": "b", "conclusion": null}]}), wanted, {"promotion/checks"})
	red := {"name": "b", "conclusion": "failure"}
	fixture.denied_by(promotion({"checks": [green, red]}), wanted, {"promotion/check-failed"})

	many := [{"name": format_int(number, 10), "conclusion": "failure"} | some number in numbers.range(1, 999)]
	fixture.denied_by(promotion({"checks": many}), wanted, {"promotion/check-failed"})

	# Those of a commit that was just pushed have not begun.
	fixture.held_by(promotion({"checks": []}), wanted, {"promotion/checks"})
}

test_checks_that_nobody_can_see_are_not_green if {
	every checks in ["all", ["ci/build"]] {
		question := promotion({"checks": null})
		fixture.denied_by(question, ordered({"prod": {"checks": checks}}), {"promotion/checks-unknown"})
	}
	fixture.passed(promotion({"checks": null}), ordered({}))
	fixture.passed(promotion({"checks": null}), ordered({"prod": {"checks": []}}))
}

test_rollback_happens_at_once if {
	change := ordered({"prod": {"soak": "9d", "checks": "all"}})
	rollback := {"isRollback": true, "deployments": [], "checks": null, "artifacts": [], "commit": null}
	fixture.passed(fixture.promotion_with(rollback), change)
	rumour := object.union(deployed("qa", 0), {"isVerified": false})
	every checks in [[], [{"name": "a", "conclusion": null}], [{"name": "a", "conclusion": "failure"}]] {
		fixture.passed(promotion({"isRollback": true, "deployments": [rumour], "checks": checks}), change)
	}
}

test_freeze_gate_asks_for_nothing_but_freezes if {
	question := object.union(promotion({"deployments": []}), {"step": {"uses": "gate.freeze"}})
	fixture.passed(question, ordered({"prod": {"checks": "all"}}))
}

test_malformed_environment_is_denied if {
	every entry in [
		"prod",
		{"order": "3"},
		{"protected": "no"},
		{"not-author": "no"},
		{"approvals": "2"},
		{"approvals": 1.5},
		{"reviewers": "ada"},
		{"soak": "2 h"},
		{"soak": "90"},
		{"soak": "1e3s"},
		{"soak": "007m"},
		{"soak": "9999999999s"},
		{"soak": ""},
		{"soak": 60},
		{"expires": "soon"},
		{"autonomy": "L9"},
		{"checks": "some"},
		{"checks": {"ci": true}},
	] {
		change := {"environments": {"prod": entry}}
		fixture.denied_also_by(fixture.step_with({"environment": "prod"}), change, "promotion/malformed-data")
		fixture.denied_also_by(fixture.promotion_with({"environment": "staging"}), change, "promotion/malformed-data")
		below := {"environments": {"staging": entry}}
		fixture.denied_also_by(fixture.promotion_with({}), below, "promotion/malformed-data")
	}
}
