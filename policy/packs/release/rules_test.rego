package maestro.packs.release_test

import data.maestro.fixture_test as fixture

push(given) := fixture.step_with({"uses": "registry.push@1.0.0", "with": given})

test_publication_names_its_papers if {
	change := {"release": {"require": ["sbom", "provenance"]}}
	fixture.passed(push({}), {})
	fixture.passed(push({"sbom": "sbom.json", "provenance": "p.json"}), change)
	fixture.passed(fixture.step_with({}), change)
	every given in [{"sbom": "sbom.json"}, {"sbom": "sbom.json", "provenance": ""}, {"sbom": "s", "provenance": true}] {
		fixture.denied_by(push(given), change, {"release/require"})
	}
}

test_publication_is_from_its_refs if {
	change := {"release": {"refs": ["refs/heads/main", "refs/tags/v*"]}}
	every ref in ["refs/heads/main", "refs/tags/v1.0.0"] {
		fixture.passed(object.union(push({}), {"trigger": {"ref": ref}}), change)
	}
	fixture.passed(object.union(fixture.step_with({}), {"trigger": {"ref": "refs/heads/x"}}), change)
	every ref in ["refs/heads/main2", "refs/tags/x", "refs/heads/refs/tags/v1", null] {
		fixture.denied_by(object.union(push({}), {"trigger": {"ref": ref}}), change, {"release/ref"})
	}
}

test_publication_is_for_its_purposes if {
	change := {"release": {"purposes": ["release"]}}
	fixture.passed(object.union(push({}), {"purpose": "release"}), change)
	fixture.denied_by(object.union(push({}), {"purpose": "test"}), change, {"release/purpose"})
	fixture.denied_by(push({}), change, {"release/purpose"})
}

test_what_publishes_is_what_the_data_says if {
	change := {"release": {"steps": ["./tasks/publish"], "purposes": ["release"]}}
	fixture.passed(push({}), change)
	fixture.denied_by(fixture.step_with({"uses": "./tasks/publish"}), change, {"release/purpose"})
}

test_malformed_data_is_denied if {
	every release in [{"steps": "push"}, {"require": {}}, {"refs": [1]}, {"purposes": "release"}] {
		fixture.denied_also_by(push({}), {"release": release}, "release/malformed-data")
	}
}
