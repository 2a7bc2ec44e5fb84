package maestro.packs.budget_test

import data.maestro.fixture_test as fixture

capped := {"budget": {"max": {"usd": 0.5, "tokens": 100, "minutes": 10}}}

within := {"microUsd": 500000, "tokens": 100, "minutes": 10}

test_budget_is_capped if {
	fixture.passed(fixture.run_with({"budget": within}), capped)
	every change in [{"microUsd": 500001}, {"tokens": 101}, {"minutes": 10.5}] {
		question := fixture.run_with({"budget": object.union(within, change)})
		fixture.denied_by(question, capped, {"budget/above-max"})
	}
	fixture.denied_by(fixture.step_with({}), capped, {"budget/missing"})
	fixture.denied_by(fixture.run_with({"budget": object.union(within, {"tokens": null})}), capped, {"budget/missing"})
}

test_a_decision_about_a_deployment_states_no_budget if {
	deployment := {"trigger": object.union(fixture.run.trigger, {"type": "deployment"})}
	fixture.passed(fixture.run_with(deployment), capped)
}

test_what_has_no_maximum_is_free if {
	change := {"budget": {"max": {"tokens": 100}}}
	fixture.passed(fixture.run_with({"budget": {"microUsd": 1000000000, "tokens": 1}}), change)
	fixture.passed(fixture.run, {})
}

test_malformed_data_is_denied if {
	every most in [{"usd": "5"}, {"tokens": null}, {"dollars": 5}, "5usd", []] {
		change := {"budget": {"max": most}}
		fixture.denied_also_by(fixture.run, change, "budget/malformed-data")
	}
}
