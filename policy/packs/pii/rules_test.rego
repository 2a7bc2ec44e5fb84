package maestro.packs.pii_test

import data.maestro.fixture_test as fixture

personal(change) := fixture.step_with(object.union({"tags": ["pii"]}, change))

test_personal_data_goes_to_its_hosts_only if {
	change := {"pii": {"egress": ["*.example.eu"]}}
	fixture.passed(personal({"egress": ["any.com", "*"]}), {})
	fixture.passed(personal({"egress": ["db.example.eu"]}), change)
	fixture.passed(fixture.step_with({"egress": ["any.com", "*"]}), change)
	fixture.denied_by(personal({"egress": ["any.com"]}), change, {"pii/egress"})
	fixture.denied_by(personal({"egress": ["*"]}), change, {"pii/unknown-host"})
	fixture.denied_by(personal({"uses": "http"}), change, {"pii/unknown-host"})
	none := {"pii": {"egress": []}}
	fixture.passed(personal({}), none)
	fixture.denied_by(personal({"egress": ["db.example.eu"]}), none, {"pii/egress"})
}

test_secrets_beside_personal_data_stay_within_the_list if {
	change := {"pii": {"secrets": ["DB"]}}
	fixture.passed(personal({"secrets": ["DB"]}), change)
	fixture.passed(personal({"secrets": ["ANY"]}), {})
	fixture.passed(fixture.step_with({"secrets": ["NPM"]}), change)
	fixture.denied_by(personal({"secrets": ["DB", "NPM"]}), change, {"pii/secret"})
}

test_personal_data_is_handled_for_its_purposes_only if {
	change := {"pii": {"purposes": ["audit"]}}
	fixture.passed(object.union(personal({}), {"purpose": "audit"}), change)
	fixture.passed(fixture.step_with({}), change)
	fixture.denied_by(object.union(personal({}), {"purpose": "demo"}), change, {"pii/purpose"})
	fixture.denied_by(personal({}), change, {"pii/purpose"})
}

test_tags_of_personal_data_are_what_the_data_says if {
	change := {"pii": {"tags": ["data"], "purposes": ["audit"]}}
	fixture.passed(personal({}), change)
	fixture.denied_by(fixture.step_with({"tags": ["data"]}), change, {"pii/purpose"})
}

test_malformed_data_is_denied if {
	every pii in [{"tags": "pii"}, {"egress": "none"}, {"secrets": {}}, {"purposes": [1]}] {
		fixture.denied_also_by(personal({}), {"pii": pii}, "pii/malformed-data")
	}
}
