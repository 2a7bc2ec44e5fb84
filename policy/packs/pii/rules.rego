# What a step that handles personal data may do.
package maestro.packs.pii

import data.maestro.hosts
import data.maestro.shape
import data.maestro.step
import data.maestro.text

deny contains reason("missing-data", text.missing("pii")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["pii", name]))) if {
	input.phase == "step"
	some name in {"tags", "egress", "secrets", "purposes"}
	not shape.texts(object.get(data.pii, name, []))
}

deny contains reason("egress", text.unlisted("egress of personal data", host, "pii.egress")) if {
	is_personal
	is_array(data.pii.egress)
	some host in hosts.known
	not hosts.within(host, data.pii.egress)
}

deny contains reason("unknown-host", message) if {
	is_personal
	is_array(data.pii.egress)
	hosts.unknown
	message := concat("", [
		"data.pii.egress is set and nobody can say which host the step reaches; ",
		"name its hosts in the step's egress, or write the host in with.url out",
	])
}

deny contains reason("secret", text.unlisted("secret beside personal data", name, "pii.secrets")) if {
	is_personal
	some name in step.secrets
	not name in object.get(data.pii, "secrets", [name])
}

deny contains reason("purpose", message) if {
	is_personal
	not input.purpose in object.get(data.pii, "purposes", [input.purpose])
	message := concat("", [
		"personal data is handled for ", concat(" or ", data.pii.purposes),
		"; correct the pipeline's purpose, or change pii.purposes in .maestro/policy.yaml",
	])
}

is_personal if {
	input.phase == "step"
	some tag in step.tags
	tag in data.pii.tags
}

has_data if is_object(data.pii)

reason(rule, message) := concat("", ["pii/", rule, ": ", message])
