# Where in the world steps with certain tags run.
package maestro.packs.residency

import data.maestro.shape
import data.maestro.step
import data.maestro.text

deny contains reason("missing-data", text.missing("residency")) if not has_data

deny contains reason("malformed-data", text.malformed("residency.tags")) if {
	input.phase == "step"
	not is_object(object.get(data.residency, "tags", {}))
}

deny contains reason("malformed-data", text.malformed(concat(".", ["residency.tags", tag]))) if {
	input.phase == "step"
	some tag in step.tags
	regions := data.residency.tags[tag]
	not shape.texts(regions)
}

deny contains reason("region", message) if {
	is_work
	some tag in step.tags
	regions := data.residency.tags[tag]
	not region in regions
	message := concat("", [
		"a step with the tag ", tag, " runs in ", concat(" or ", regions), ", and runner class \"", input.step.runner,
		"\" is in ", region, "; use another, or change runners.", input.step.runner, ".region or residency.tags.", tag,
		" in .maestro/policy.yaml",
	])
}

# A gate or a wait runs nowhere.
is_work if {
	input.phase == "step"
	input.step.kind == "work"
}

default region := "no region that anybody named"

region := data.runners[input.step.runner].region

has_data if is_object(data.residency)

reason(rule, message) := concat("", ["residency/", rule, ": ", message])
