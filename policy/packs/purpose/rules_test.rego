package maestro.packs.purpose_test

import data.maestro.fixture_test as fixture

release(change) := fixture.run_with(object.union({"purpose": "release"}, change))

data_with(wanted) := {"purposes": {"release": wanted}}

test_known_purposes_are_allowed if {
	fixture.passed(release({}), {})
	fixture.passed(release({"authority": "anybody", "licence": "MIT"}), {})
	fixture.passed(object.union(fixture.step_with({}), {"purpose": "release"}), {})
}

test_unknown_names_are_denied if {
	change := {"authorities": {"board": {}}, "licences": {"MIT": {}}}
	fixture.passed(release({"authority": "board", "licence": "MIT"}), change)
	fixture.denied_by(release({"purpose": "fun"}), {}, {"purpose/unknown-purpose"})
	fixture.denied_by(release({"purpose": ""}), {}, {"purpose/unknown-purpose"})
	fixture.denied_by(release({"authority": "me"}), change, {"purpose/unknown-authority"})
	fixture.denied_by(release({"licence": "WTFPL"}), change, {"purpose/unknown-licence"})
}

test_purpose_wants_an_authority_and_a_licence if {
	change := data_with({"authorities": ["board", "owner"], "licences": ["MIT"]})
	fixture.passed(release({"authority": "owner", "licence": "MIT"}), change)
	fixture.passed(fixture.run, change)
	fixture.denied_by(release({}), change, {"purpose/authority", "purpose/licence"})
	fixture.denied_by(release({"authority": "me", "licence": "MIT"}), change, {"purpose/authority"})
	step := object.union(fixture.step_with({}), {"purpose": "release", "authority": "board"})
	fixture.denied_by(step, change, {"purpose/licence"})
}

test_purpose_wants_a_role_of_who_starts_it if {
	change := data_with({"roles": ["release-manager"]})
	started := {"purpose": "release"}
	fixture.passed(object.union(fixture.action_with("run", {"permission": "maintain"}), started), change)
	fixture.denied_by(object.union(fixture.action_with("run", {}), started), change, {"purpose/role"})
	fixture.denied_by(object.union(fixture.action_with("retry", {}), started), change, {"purpose/role"})
	fixture.passed(object.union(fixture.action_with("cancel", {}), started), change)
	fixture.passed(fixture.action_with("run", {}), change)
}

test_run_with_such_a_purpose_begins_with_the_consent_of_that_role if {
	change := data_with({"roles": ["release-manager"]})
	fixture.asked_by(release({}), change, {"purpose/role"})
	fixture.asked_by(release({"trigger": {"type": "command"}}), change, {"purpose/role"})
	consent := object.union(fixture.approval_with(null, {}), {"purpose": "release"})
	fixture.denied_by(consent, change, {"purpose/role"})
	fixture.passed(object.union(consent, {"approval": {"person": {"permission": "admin"}}}), change)
	fixture.passed(object.union(consent, {"approval": {"decision": "deny"}}), change)
	gate := object.union(fixture.approval_with(fixture.gate, {}), {"purpose": "release"})
	fixture.passed(gate, change)
}

test_malformed_data_is_denied if {
	every change in [
		{"authorities": []},
		{"licences": "MIT"},
		data_with("release"),
		data_with({"authorities": "board"}),
		data_with({"licences": [1]}),
		data_with({"roles": {}}),
	] {
		fixture.denied_also_by(release({"authority": "board"}), change, "purpose/malformed-data")
	}
}
