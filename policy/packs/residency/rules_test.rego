package maestro.packs.residency_test

import data.maestro.fixture_test as fixture

regions := {
	"residency": {"tags": {"pii": ["eu", "ch"]}},
	"runners": {"linux": {"region": "eu"}, "gpu": {"region": "us"}},
}

test_step_runs_where_its_tags_may if {
	fixture.passed(fixture.step_with({"tags": ["pii", "test"]}), regions)
	fixture.passed(fixture.step_with({"tags": ["test"], "runner": "gpu"}), regions)
	fixture.passed(fixture.step_with({"tags": ["pii"], "runner": "gpu"}), {})
	fixture.passed(fixture.step_with({"tags": ["pii"], "runner": "gpu", "kind": "wait"}), regions)
}

test_other_and_unknown_regions_are_denied if {
	every runner in ["gpu", "macos"] {
		fixture.denied_by(fixture.step_with({"tags": ["pii"], "runner": runner}), regions, {"residency/region"})
	}
}

test_malformed_data_is_denied if {
	every tags in [[], {"pii": "eu"}, {"pii": [1]}] {
		question := fixture.step_with({"tags": ["pii"]})
		fixture.denied_also_by(question, {"residency": {"tags": tags}}, "residency/malformed-data")
	}
}
