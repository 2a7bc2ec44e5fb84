# What one run may cost at most.
package maestro.packs.budget

import data.maestro.text

deny contains reason("missing-data", text.missing("budget")) if not has_data

deny contains reason("malformed-data", text.malformed("budget.max")) if {
	is_judged
	not is_object(object.get(data.budget, "max", {}))
}

deny contains reason("malformed-data", text.malformed(concat(".", ["budget.max", name]))) if {
	is_judged
	some name, most in data.budget.max
	not most_well_formed(name, most)
}

deny contains reason("above-max", message) if {
	is_judged
	some name, most in mosts
	input.budget[name] > most
	message := concat("", [
		"the pipeline's budget is above data.budget.max.", settings[name],
		"; lower the budget or raise budget.max.", settings[name], " in .maestro/policy.yaml",
	])
}

# Whether a job of GitHub Actions may deploy is decided by a run that does no work, and waits for people for days.
deny contains reason("missing", message) if {
	is_judged
	input.trigger.type != "deployment"
	some name, _ in mosts
	input.budget[name] == null
	message := concat("", [
		"data.budget.max.", settings[name], " is set and the pipeline states no budget for it; add budget.",
		settings[name], " to the pipeline or remove the maximum from .maestro/policy.yaml",
	])
}

is_judged if input.phase in {"run", "step"}

# How the pipeline's budget names what the data caps.
settings := {"microUsd": "usd", "tokens": "tokens", "minutes": "minutes"}

mosts[name] := most_of(setting) if some name, setting in settings

most_of("usd") := round(data.budget.max.usd * 1000000)

most_of(setting) := data.budget.max[setting] if setting != "usd"

most_well_formed(name, most) if {
	name in {setting | some setting in settings}
	is_number(most)
}

has_data if is_object(data.budget)

reason(rule, message) := concat("", ["budget/", rule, ": ", message])
