# How far a run may go by itself, and where two people have to agree.
package maestro.packs.autonomy

import data.maestro.consent
import data.maestro.shape
import data.maestro.step
import data.maestro.text

deny contains reason("missing-data", text.missing("autonomy")) if not has_data

deny contains reason("malformed-data", text.malformed("autonomy.max")) if {
	is_judged
	not shape.levels[data.autonomy.max]
}

deny contains reason("malformed-data", text.malformed("autonomy.dual-control")) if {
	is_judged
	not dual_control_well_formed
}

deny contains reason("unknown", message) if {
	is_judged
	input.autonomy != null
	not input.autonomy in levels
	message := concat("", ["autonomy \"", input.autonomy, "\" is not one of L0 to L5; correct the pipeline's autonomy"])
}

deny contains reason("above-environment", message) if {
	input.phase == "step"
	shape.levels[input.autonomy] > shape.levels[consent.environment.autonomy]
	message := concat("", [
		"autonomy ", input.autonomy, " is above data.environments.", input.step.environment, ".autonomy ",
		consent.environment.autonomy, "; lower the pipeline's autonomy or raise it in .maestro/policy.yaml",
	])
}

# Asked once, when the run is admitted; asking again at every step would hold each of them.
ask contains reason("above-max", message) if {
	input.phase == "run"
	shape.levels[input.autonomy] > shape.levels[data.autonomy.max]
	message := concat("", [
		"autonomy ", input.autonomy, " is above data.autonomy.max ", data.autonomy.max,
		"; lower the pipeline's autonomy or raise autonomy.max in .maestro/policy.yaml",
	])
}

ask contains reason("dual-control", message) if {
	is_listed_work
	some tag in step.tags
	tag in data.autonomy["dual-control"].tags
	message := concat("", [
		"data.autonomy.dual-control.tags has ", tag, ", and autonomy is ", input.autonomy,
		"; let two people approve the step, lower the pipeline's autonomy, or change the list in .maestro/policy.yaml",
	])
}

# Where a gate has promoted to the environment before, two people were asked there.
ask contains reason("dual-control", message) if {
	is_listed_work
	input.step.environment in data.autonomy["dual-control"].environments
	not input.step.environment in input.step.gatedBy
	message := concat("", [
		"data.autonomy.dual-control.environments has ", input.step.environment, ", and autonomy is ", input.autonomy,
		"; let two people approve the step, lower the pipeline's autonomy, or change the list in .maestro/policy.yaml",
	])
}

# Neither of them may have written or started it: see the pack approvals.
oblige contains {"type": "approvals", "value": 2} if {
	consent.is_wanted
	consent.is_dual
}

is_judged if input.phase in {"run", "step"}

is_listed_work if {
	input.phase == "step"
	input.step.kind == "work"
	shape.levels[input.autonomy] >= 3
}

levels := object.keys(shape.levels)

dual_control_well_formed if {
	listed := object.get(data.autonomy, "dual-control", {})
	shape.texts(object.get(listed, "tags", []))
	shape.texts(object.get(listed, "environments", []))
}

has_data if is_object(data.autonomy)

reason(rule, message) := concat("", ["autonomy/", rule, ": ", message])
