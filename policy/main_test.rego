package maestro_test

import data.maestro.fixture_test as fixture

pack_names contains pack.name if some pack in data.packs

test_every_pack_explains_itself if {
	said := data.maestro.explain with input as fixture.step_with({"tags": ["foo"], "environment": "prod"})
		with data.kinds as fixture.defaults.kinds
		with data.tags as fixture.defaults.tags
		with data.environments as fixture.defaults.environments
	object.keys(said) == pack_names
	count(said.base.deny) > 0
	fixture.rules_of(said.approvals.ask) == {"approvals/protected-environment"}
	{"type": "approvals", "value": 1} in said.approvals.oblige
	said.fork == {"deny": [], "ask": [], "oblige": []}
}

test_most_approvals_that_any_pack_wants_count if {
	question := object.union(fixture.gate_with({"environment": "prod"}), {"autonomy": "L4"})
	fixture.duty(question, {}, "approvals") == [2]
	fixture.duty(question, {"environments": {"prod": {"approvals": 3}}}, "approvals") == [3]
	fixture.duty(question, {}, "approver-is-not-actor") == [true]
}
