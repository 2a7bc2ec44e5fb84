package maestro.packs.quota_test

import data.maestro.fixture_test as fixture

test_plan_has_at_most_so_many_steps if {
	fixture.passed(fixture.run_with({"pipeline": {"steps": 10}}), {"quota": {"steps": 10}})
	fixture.denied_by(fixture.run_with({"pipeline": {"steps": 11}}), {"quota": {"steps": 10}}, {"quota/steps"})
}

test_engine_is_told_how_much_at_once if {
	change := {"quota": {"runs": 20, "jobs": {"gpu": 2, "linux": 50}}}
	fixture.duty(fixture.run, change, "runs-max") == [20]
	fixture.duty(fixture.run, change, "jobs-max") == ["gpu=2", "linux=50"]
	fixture.passed(fixture.step_with({}), change)
	fixture.passed(fixture.run, {})
}

test_malformed_data_is_denied if {
	every quota in [
		{"steps": "10"},
		{"runs": null},
		{"runs": 1e300},
		{"jobs": []},
		{"jobs": {"gpu": "2"}},
		{"jobs": {"gpu": 1e300}},
	] {
		fixture.denied_also_by(fixture.run, {"quota": quota}, "quota/malformed-data")
	}
}
