# Which language models a step may ask, whose, and where they are.
package maestro.packs.routing

import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("routing")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["routing", list]))) if {
	input.phase == "step"
	some list, _ in inputs
	not shape.texts(object.get(data.routing, list, []))
}

# What the step leaves open may be anything, so it has to be stated.
deny contains reason("not-allowed", message) if {
	input.phase == "step"
	startswith(input.step.uses, "llm.")
	some list, name in inputs
	allowed := data.routing[list]
	not is_one_of(name, allowed)
	message := concat("", [
		"with.", name, " of the step is none of data.routing.", list, "; use one of ", concat(", ", allowed),
		", or change routing.", list, " in .maestro/policy.yaml",
	])
}

is_one_of(name, allowed) if input.step["with"][name] in allowed

inputs := {"models": "model", "providers": "provider", "regions": "region"}

has_data if is_object(data.routing)

reason(rule, message) := concat("", ["routing/", rule, ": ", message])
