# How much may happen at once. How much does happen is the engine's to count, so it is told the most.
package maestro.packs.quota

import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("quota")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["quota", name]))) if {
	input.phase == "run"
	some name in {"steps", "runs"}
	not shape.is_count(object.get(data.quota, name, 0))
}

deny contains reason("malformed-data", text.malformed("quota.jobs")) if {
	input.phase == "run"
	not is_object(object.get(data.quota, "jobs", {}))
}

deny contains reason("malformed-data", text.malformed(concat(".", ["quota.jobs", class]))) if {
	input.phase == "run"
	some class, most in data.quota.jobs
	not shape.is_count(most)
}

deny contains reason("steps", message) if {
	input.phase == "run"
	input.pipeline.steps > data.quota.steps
	message := concat("", [
		"the plan has more steps than data.quota.steps has room for; ",
		"divide the pipeline, or raise quota.steps in .maestro/policy.yaml",
	])
}

oblige contains {"type": "runs-max", "value": data.quota.runs} if input.phase == "run"

oblige contains {"type": "jobs-max", "value": concat("=", [class, format_int(most, 10)])} if {
	input.phase == "run"
	some class, most in data.quota.jobs
	shape.is_count(most)
}

has_data if is_object(data.quota)

reason(rule, message) := concat("", ["quota/", rule, ": ", message])
