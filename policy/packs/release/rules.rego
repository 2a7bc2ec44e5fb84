# What is published: from where, to what end, and with which papers.
package maestro.packs.release

import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("release")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["release", name]))) if {
	input.phase == "step"
	some name in {"steps", "require", "refs", "purposes"}
	not shape.texts(object.get(data.release, name, []))
}

deny contains reason("require", message) if {
	is_publication
	some paper in data.release.require
	not is_stated(paper)
	message := concat("", [
		input.step.uses, " publishes without ", paper, "; name it in with.", paper,
		", or change release.require in .maestro/policy.yaml",
	])
}

deny contains reason("ref", message) if {
	is_publication
	is_array(data.release.refs)
	not is_from_ref
	message := concat("", [
		input.step.uses, " publishes from ", concat(" or ", data.release.refs),
		"; run from there, or change release.refs in .maestro/policy.yaml",
	])
}

deny contains reason("purpose", message) if {
	is_publication
	not input.purpose in object.get(data.release, "purposes", [input.purpose])
	message := concat("", [
		input.step.uses, " publishes for ", concat(" or ", data.release.purposes),
		"; correct the pipeline's purpose, or change release.purposes in .maestro/policy.yaml",
	])
}

is_publication if {
	input.phase == "step"
	split(input.step.uses, "@")[0] in data.release.steps
}

is_stated(paper) if {
	is_string(input.step["with"][paper])
	input.step["with"][paper] != ""
}

is_from_ref if input.trigger.ref in data.release.refs

# refs/tags/* stands for all that begins like it.
is_from_ref if {
	some ref in data.release.refs
	endswith(ref, "*")
	startswith(input.trigger.ref, trim_suffix(ref, "*"))
}

has_data if is_object(data.release)

reason(rule, message) := concat("", ["release/", rule, ": ", message])
