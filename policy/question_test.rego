package maestro.question_test

import data.maestro.fixture_test as fixture
import data.maestro.question

examples := [
	fixture.run,
	fixture.step_with({"tags": ["a"], "egress": ["b"], "secrets": ["c"], "gatedBy": ["d"]}),
	fixture.secret_with({}, "user"),
	fixture.action_with("run", {}),
	object.union(fixture.run, fixture.action_with("run", {})),
	fixture.approval_with(null, {}),
	fixture.approval_with(fixture.gate, {}),
	fixture.promotion_with({
		"deployments": [{"environment": "staging", "ageSeconds": -1, "isVerified": true}],
		"checks": [{"name": "ci", "conclusion": null}, {"name": "lint", "conclusion": "success"}],
	}),
	fixture.promotion_with({"artifacts": [], "commit": null, "checks": null}),
]

# What may be any mapping.
free := {["step", "with"], ["promotion", "clocks"]}

# Those of mappings are fields, those of lists are items.
paths(example) := {path |
	walk(example, [path, _])
	count(path) > 0
	every open in free { array.slice(path, 0, count(open)) != open }
}

is_well_formed(asked) if question.well_formed with input as asked

test_examples_are_well_formed if {
	every example in examples { is_well_formed(example) }
}

test_every_value_is_held_to_its_type if {
	every example in examples {
		every path in paths(example) {
			broken := json.patch(example, [{"op": "replace", "path": path, "value": {"odd": 1}}])
			not is_well_formed(broken)
		}
		every path in free & {path | walk(example, [path, _])} {
			broken := json.patch(example, [{"op": "replace", "path": path, "value": [1]}])
			not is_well_formed(broken)
		}
	}
}

test_every_field_has_to_be_there if {
	every example in examples {
		every path in paths(example) { is_needed(example, path) }
	}
}

is_needed(example, path) if {
	missing := json.remove(example, [concat("/", [format_part(part) | some part in path])])
	not is_well_formed(missing)
}

# A question about a deed need not be about a run.
is_needed(example, path) if {
	example.phase == "action"
	count(path) == 1
	path[0] in question.facts
}

# Lists may be shorter.
is_needed(_, path) if is_number(path[count(path) - 1])

format_part(part) := part if is_string(part)

format_part(part) := format_int(part, 10) if is_number(part)
