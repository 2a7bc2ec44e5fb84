# What a run is made of: pinned code, scans that are strict enough, licences that nobody refuses.
package maestro.packs.supplychain

import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("supplychain")) if not has_data

deny contains reason("malformed-data", text.malformed("supplychain")) if {
	input.phase in {"run", "step"}
	not well_formed
}

deny contains reason("licence", message) if {
	input.phase in {"run", "step"}
	input.licence in data.supplychain.licences.deny
	message := concat("", [
		"licence ", input.licence, " is in data.supplychain.licences.deny; ",
		"correct the pipeline's licence, or change the list in .maestro/policy.yaml",
	])
}

# What is not pinned can be another thing tomorrow. Maestro's own steps are pinned with Maestro.
deny contains reason("unpinned", message) if {
	input.phase == "step"
	input.step.kind == "work"
	data.supplychain.pinned == true
	input.step.code.digest == null
	not startswith(input.step.code.uri, "maestro:")
	message := concat("", [
		input.step.code.uri, " has no digest; install it so that it can be pinned, ",
		"or change supplychain.pinned in .maestro/policy.yaml",
	])
}

deny contains reason("scan", message) if {
	input.phase == "step"
	split(input.step.uses, "@")[0] == "security.scan"
	some severity, most in data.supplychain.vulnerabilities
	shape.is_count(most)
	not is_strict_enough(severity, most)
	message := concat("", [
		"the scan may pass with more than ", format_int(most, 10), " weaknesses of severity ", severity,
		"; set with.threshold or with.max.", severity, ", or change supplychain.vulnerabilities in .maestro/policy.yaml",
	])
}

# It fails at any of that severity, or at more than so many.
is_strict_enough(severity, _) if severities[input.step["with"].threshold] <= severities[severity]

is_strict_enough(severity, most) if {
	is_number(input.step["with"].max[severity])
	input.step["with"].max[severity] <= most
}

severities := {"low": 0, "medium": 1, "high": 2, "critical": 3}

well_formed if {
	is_boolean(object.get(data.supplychain, "pinned", false))
	shape.texts(object.get(object.get(data.supplychain, "licences", {}), "deny", []))
	most_found := object.get(data.supplychain, "vulnerabilities", {})
	is_object(most_found)
	every severity, most in most_found {
		severities[severity] >= 0
		shape.is_count(most)
	}
}

has_data if is_object(data.supplychain)

reason(rule, message) := concat("", ["supplychain/", rule, ": ", message])
