# Which hosts a step may reach.
package maestro.packs.egress

import data.maestro.hosts
import data.maestro.shape
import data.maestro.step
import data.maestro.text

deny contains reason("missing-data", text.missing("egress")) if not has_data

deny contains reason("malformed-data", text.malformed("egress.allow")) if {
	input.phase == "step"
	not shape.texts(object.get(data.egress, "allow", []))
}

deny contains reason("malformed", message) if {
	input.phase == "step"
	some host in step.egress
	not hosts.well_formed(host)
	message := concat("", ["egress \"", host, "\" is not a host or host:port; correct the step's egress"])
}

deny contains reason("not-allowed", text.unlisted("egress", host, "egress.allow")) if {
	input.phase == "step"
	is_array(data.egress.allow)
	some host in hosts.known
	not hosts.within(host, data.egress.allow)
}

deny contains reason("unknown-host", message) if {
	input.phase == "step"
	is_array(data.egress.allow)
	hosts.unknown
	message := concat("", [
		"data.egress.allow is set and nobody can say which host the step reaches; ",
		"name its hosts in the step's egress, or write the host in with.url out",
	])
}

has_data if is_object(data.egress)

reason(rule, message) := concat("", ["egress/", rule, ": ", message])
