package maestro.packs.supplychain_test

import data.maestro.fixture_test as fixture

test_refused_licence_is_denied if {
	change := {"supplychain": {"licences": {"deny": ["AGPL-3.0-only"]}}}
	fixture.passed(fixture.run_with({"licence": "MIT"}), change)
	fixture.passed(fixture.run, change)
	fixture.denied_by(fixture.run_with({"licence": "AGPL-3.0-only"}), change, {"supplychain/licence"})
	step := object.union(fixture.step_with({}), {"licence": "AGPL-3.0-only"})
	fixture.denied_by(step, change, {"supplychain/licence"})
}

test_code_is_pinned_where_that_is_wanted if {
	change := {"supplychain": {"pinned": true}}
	task := {"code": {"uri": "pkg:npm/task@1.0.0"}}
	fixture.passed(fixture.step_with({}), change)
	fixture.passed(fixture.step_with(task), {})
	fixture.allowed(fixture.gate_with(task), change)
	fixture.passed(fixture.step_with({"code": {"uri": "./task", "digest": "sha256:aa"}}), change)
	fixture.denied_by(fixture.step_with(task), change, {"supplychain/unpinned"})
}

test_scan_is_strict_enough if {
	change := {"supplychain": {"vulnerabilities": {"critical": 0, "high": 2}}}
	scan := {"uses": "security.scan@1.0.0"}
	fixture.passed(fixture.step_with(scan), {})
	fixture.passed(fixture.step_with({}), change)
	every given in [
		{"threshold": "high"},
		{"threshold": "low"},
		{"threshold": "critical", "max": {"high": 2}},
		{"max": {"critical": 0, "high": 1}},
	] {
		fixture.passed(fixture.step_with(object.union(scan, {"with": given})), change)
	}
	every given in [
		{},
		{"threshold": "critical"},
		{"threshold": "severe"},
		{"max": {"critical": 0}},
		{"max": {"critical": 0, "high": 3}},
		{"max": {"critical": 0, "high": "2"}},
		{"max": {"critical": 0, "high": null}},
	] {
		fixture.denied_by(fixture.step_with(object.union(scan, {"with": given})), change, {"supplychain/scan"})
	}
}

test_malformed_data_is_denied if {
	every supplychain in [
		{"pinned": "yes"},
		{"licences": []},
		{"licences": {"deny": "MIT"}},
		{"vulnerabilities": {"severe": 0}},
		{"vulnerabilities": {"high": "none"}},
		{"vulnerabilities": "none"},
	] {
		fixture.denied_also_by(fixture.run, {"supplychain": supplychain}, "supplychain/malformed-data")
	}
}
