# Deny by default: what the data does not name is denied, and so is a question of the wrong shape.
package maestro.packs.base

import data.maestro.question
import data.maestro.step
import data.maestro.text

deny contains reason(
	"malformed-input",
	"the question is not of the shape in policy/schema/policy-input.schema.json; ask one that is",
) if {
	not question.well_formed
}

deny contains reason("too-long", message) if {
	some name in step.too_long
	message := concat("", ["the step lists more than ", format_int(step.most, 10), " ", name, "; divide the step"])
}

deny contains reason("missing-data", text.missing(key)) if some key in ({"kinds", "runners", "tags"} - found)

deny contains reason("malformed-data", text.malformed(concat(".", ["tags", tag]))) if {
	input.phase == "step"
	some tag in step.tags
	entry := data.tags[tag]
	not tag_well_formed(entry)
}

deny contains reason("unknown-kind", text.unknown("pipeline kind", input.pipeline.kind, "kinds")) if {
	input.phase in {"run", "step"}
	not data.kinds[input.pipeline.kind]
}

deny contains reason("unknown-step-kind", message) if {
	input.phase == "step"
	not input.step.kind in {"work", "wait", "gate"}
	message := concat("", ["step kind \"", input.step.kind, "\" is not work, wait or gate; compile the pipeline again"])
}

deny contains reason("unknown-runner", text.unknown("runner class", input.step.runner, "runners")) if {
	input.phase == "step"
	not data.runners[input.step.runner]
}

deny contains reason("unknown-tag", text.unknown("tag", tag, "tags")) if {
	input.phase == "step"
	some tag in step.tags
	not data.tags[tag]
}

deny contains reason("tag-denied", message) if {
	input.phase == "step"
	some tag in step.tags
	data.tags[tag].verdict == "deny"
	message := concat("", ["data.tags.", tag, ".verdict is deny; remove the tag or change it in .maestro/policy.yaml"])
}

# A gate or a wait holds by itself and does nothing, so only work is asked about.
ask contains reason("tag-asks", message) if {
	input.phase == "step"
	input.step.kind == "work"
	some tag in step.tags
	data.tags[tag].verdict == "ask"
	message := concat("", ["data.tags.", tag, ".verdict is ask; approve the step, or change it in .maestro/policy.yaml"])
}

found contains "kinds" if is_object(data.kinds)

found contains "runners" if is_object(data.runners)

found contains "tags" if is_object(data.tags)

tag_well_formed(entry) if object.get(entry, "verdict", "allow") in {"allow", "ask", "deny"}

reason(rule, message) := concat("", ["base/", rule, ": ", message])
