package maestro.packs.egress_test

import data.maestro.fixture_test as fixture

listed := {"egress": {"allow": ["api.example.com", "*.npmjs.org", "db.example.com:5432"]}}

test_egress_stays_within_the_list if {
	fixture.passed(fixture.step_with({"egress": ["any.example.com"]}), {})
	every host in ["api.example.com", "API.example.com", "registry.npmjs.org", "*.npmjs.org", "db.example.com:5432"] {
		fixture.passed(fixture.step_with({"egress": [host]}), listed)
	}
	every host in ["npmjs.org", "evilnpmjs.org", "api.example.com.evil.org", "db.example.com"] {
		fixture.denied_by(fixture.step_with({"egress": [host]}), listed, {"egress/not-allowed"})
	}
}

test_unknown_host_is_denied_where_hosts_are_listed if {
	fixture.passed(fixture.step_with({"egress": ["*"]}), {})
	fixture.passed(fixture.step_with({"uses": "http"}), {})
	fixture.passed(fixture.step_with({}), listed)
	fixture.passed(fixture.step_with({"uses": "http@1", "egress": ["api.example.com"]}), listed)
	every change in [{"egress": ["*"]}, {"egress": ["api.example.com", "*"]}, {"uses": "http"}, {"uses": "notify@1"}] {
		fixture.denied_by(fixture.step_with(change), listed, {"egress/unknown-host"})
	}
}

test_malformed_egress_is_denied if {
	every host in [
		"", "https://example.com", "a b", "user@example.com", "exаmple.com",
		"\u212aey.com", "evil.com/.npmjs.org",
	] {
		fixture.denied_by(fixture.step_with({"egress": [host]}), {}, {"egress/malformed"})
	}
}

test_malformed_data_is_denied if {
	every allow in ["host", [1], {"host": true}] {
		fixture.denied_also_by(fixture.step_with({}), {"egress": {"allow": allow}}, "egress/malformed-data")
	}
}
