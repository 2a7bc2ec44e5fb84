# What a run is for, on whose authority and under which licence, and who may start a run for such an end.
package maestro.packs.purpose

import data.maestro.people
import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("purposes")) if not has_data

deny contains reason("malformed-data", text.malformed(path)) if some path in malformed

deny contains reason("unknown-purpose", text.unknown("purpose", input.purpose, "purposes")) if {
	is_judged
	input.purpose != null
	not data.purposes[input.purpose]
}

deny contains reason("unknown-authority", text.unknown("authority", input.authority, "authorities")) if {
	is_judged
	is_object(data.authorities)
	input.authority != null
	not data.authorities[input.authority]
}

deny contains reason("unknown-licence", text.unknown("licence", input.licence, "licences")) if {
	is_judged
	is_object(data.licences)
	input.licence != null
	not data.licences[input.licence]
}

deny contains reason("authority", message) if {
	is_judged
	not input.authority in object.get(wanted, "authorities", [input.authority])
	message := stated("authority", wanted.authorities, "authorities")
}

deny contains reason("licence", message) if {
	is_judged
	not input.licence in object.get(wanted, "licences", [input.licence])
	message := stated("licence", wanted.licences, "licences")
}

deny contains reason("role", message) if {
	input.phase == "action"
	input.action.name in {"run", "retry", "ok-to-test"}
	not has_role(input.action.person)
	message := concat("", [
		"a run with the purpose ", input.purpose, " is started by the role ", concat(" or ", wanted.roles),
		", which ", input.action.person.login, " does not hold; ask somebody who does, or change purposes.",
		input.purpose, ".roles or roles in .maestro/policy.yaml",
	])
}

deny contains reason("role", message) if {
	input.phase == "approval"
	input.step == null
	input.approval.decision == "approve"
	not has_role(input.approval.person)
	message := concat("", [
		"a run with the purpose ", input.purpose, " begins with the consent of the role ", concat(" or ", wanted.roles),
		", which ", input.approval.person.login, " does not hold; ask somebody who does, or change purposes.",
		input.purpose, ".roles or roles in .maestro/policy.yaml",
	])
}

# Nobody's roles are known when a run is admitted: it may have begun by itself.
ask contains reason("role", message) if {
	input.phase == "run"
	message := concat("", [
		"a run with the purpose ", input.purpose, " begins with the consent of the role ", concat(" or ", wanted.roles),
		"; let one of them approve it, or change purposes.", input.purpose, ".roles in .maestro/policy.yaml",
	])
}

is_judged if input.phase in {"run", "step"}

wanted := data.purposes[input.purpose]

has_role(person) if {
	some role in wanted.roles
	people.holds(person, role)
}

malformed contains "authorities" if is_neither(data.authorities)

malformed contains "licences" if is_neither(data.licences)

malformed contains concat(".", ["purposes", input.purpose]) if {
	is_string(input.purpose)
	wanted
	not wanted_well_formed
}

wanted_well_formed if {
	shape.texts(object.get(wanted, "authorities", []))
	shape.texts(object.get(wanted, "licences", []))
	shape.texts(object.get(wanted, "roles", []))
}

is_neither(value) if {
	not is_null(value)
	not is_object(value)
}

stated(name, values, table) := concat("", [
	"a run with the purpose ", input.purpose, " states the ", name, " ", concat(" or ", values),
	"; correct the pipeline's ", name, ", or change purposes.", input.purpose, ".", table, " in .maestro/policy.yaml",
])

has_data if is_object(data.purposes)

reason(rule, message) := concat("", ["purpose/", rule, ": ", message])
