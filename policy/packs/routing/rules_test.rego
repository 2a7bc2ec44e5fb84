package maestro.packs.routing_test

import data.maestro.fixture_test as fixture

test_model_is_one_that_is_listed if {
	change := {"routing": {"models": ["gpt-4o", "local/qwen"], "regions": ["eu"]}}
	fixture.passed(fixture.step_with({"uses": "llm.plan", "with": {"model": "any"}}), {})
	fixture.passed(fixture.step_with({"uses": "llm.plan@1", "with": {"model": "gpt-4o", "region": "eu"}}), change)
	fixture.passed(fixture.step_with({"with": {"model": "any"}}), change)
	every given in [
		{},
		{"model": "gpt-4o"},
		{"model": "gpt-4o-mini", "region": "eu"},
		{"model": ["gpt-4o"], "region": "eu"},
		{"model": "gpt-4o", "region": "us"},
	] {
		question := fixture.step_with({"uses": "llm.generate", "with": given})
		fixture.denied_by(question, change, {"routing/not-allowed"})
	}
}

test_provider_is_one_that_is_listed if {
	change := {"routing": {"providers": ["ours"]}}
	fixture.passed(fixture.step_with({"uses": "llm.plan", "with": {"provider": "ours"}}), change)
	fixture.denied_by(fixture.step_with({"uses": "llm.plan"}), change, {"routing/not-allowed"})
}

test_malformed_data_is_denied if {
	every routing in [{"models": "gpt-4o"}, {"providers": {}}, {"regions": [1]}] {
		fixture.denied_also_by(fixture.step_with({}), {"routing": routing}, "routing/malformed-data")
	}
}
