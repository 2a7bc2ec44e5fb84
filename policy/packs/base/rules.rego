# Deny by default: what the data does not name is denied, and so is a question or a data document of the wrong shape
# (in Rego a wrong shape makes a rule silently undefined, so the shapes are asserted first).
package maestro.packs.base

levels := {"L0": 0, "L1": 1, "L2": 2, "L3": 3, "L4": 4, "L5": 5}

# The question and the data have the right shape.

deny contains reason(
	"malformed-input",
	"the question is not of the shape in policy/schema/policy-input.schema.json; ask one that is",
) if {
	not question_well_formed
}

deny contains reason("missing-data", missing) if {
	some name in {"autonomy", "budget", "egress", "environments", "kinds", "purposes", "runners", "secrets", "tags"}
	not name in mappings
	missing := concat("", ["data.", name, " is not a mapping; correct ", name, " in .maestro/policy.yaml"])
}

deny contains reason("malformed-data", malformed) if {
	some path in malformed_paths
	malformed := concat("", ["data.", path, " has a value that the pack does not know; correct it in .maestro/policy.yaml"])
}

# The run.

deny contains reason("unknown-kind", unknown("pipeline kind", input.pipeline.kind, "kinds")) if {
	not data.kinds[input.pipeline.kind]
}

deny contains reason("unknown-purpose", unknown("purpose", input.purpose, "purposes")) if {
	input.purpose != null
	not data.purposes[input.purpose]
}

deny contains reason("unknown-autonomy", text) if {
	input.autonomy != null
	not input.autonomy in object.keys(levels)
	text := concat("", ["autonomy \"", input.autonomy, "\" is not one of L0 to L5; correct the pipeline's autonomy"])
}

# Asked once, when the run is admitted; asking again at every step would hold each of them.
ask contains reason("autonomy-above-max", text) if {
	input.phase == "run"
	levels[input.autonomy] > levels[data.autonomy.max]
	text := concat("", [
		"autonomy ", input.autonomy, " is above data.autonomy.max ", data.autonomy.max,
		"; lower the pipeline's autonomy or raise autonomy.max in .maestro/policy.yaml",
	])
}

deny contains reason("budget-above-max", text) if {
	some name, max in budget_max
	input.budget[name] > max
	text := concat("", [
		"the pipeline's budget is above data.budget.max.", budget_settings[name],
		"; lower the budget or raise budget.max.", budget_settings[name], " in .maestro/policy.yaml",
	])
}

deny contains reason("budget-missing", text) if {
	some name, _ in budget_max
	input.budget[name] == null
	text := concat("", [
		"data.budget.max.", budget_settings[name], " is set and the pipeline states no budget for it; add budget.",
		budget_settings[name], " to the pipeline or remove the maximum from .maestro/policy.yaml",
	])
}

# The step.

deny contains reason("unknown-step-kind", text) if {
	input.phase == "step"
	not input.step.kind in {"work", "wait", "gate"}
	text := concat("", ["step kind \"", input.step.kind, "\" is not work, wait or gate; compile the pipeline again"])
}

deny contains reason("unknown-runner", unknown("runner class", input.step.runner, "runners")) if {
	input.phase == "step"
	not data.runners[input.step.runner]
}

deny contains reason("unknown-environment", unknown("environment", input.step.environment, "environments")) if {
	input.step.environment != null
	not data.environments[input.step.environment]
}

deny contains reason("unknown-tag", unknown("tag", tag, "tags")) if {
	some tag in input.step.tags
	not data.tags[tag]
}

deny contains reason("tag-denied", text) if {
	some tag in input.step.tags
	data.tags[tag].verdict == "deny"
	text := concat("", ["data.tags.", tag, ".verdict is deny; remove the tag or change it in .maestro/policy.yaml"])
}

# A gate or a wait holds by itself and does nothing, so only work is asked about.
ask contains reason("tag-asks", text) if {
	input.step.kind == "work"
	some tag in input.step.tags
	data.tags[tag].verdict == "ask"
	text := concat("", ["data.tags.", tag, ".verdict is ask; approve the step, or change it in .maestro/policy.yaml"])
}

ask contains reason("protected-environment", text) if {
	input.step.kind == "work"
	data.environments[input.step.environment].protected == true
	text := concat("", [
		"data.environments.", input.step.environment,
		".protected is true; approve the step, or change it in .maestro/policy.yaml",
	])
}

# Code of a fork is nobody's here: it gets no secret and only the runners that are meant for it.
deny contains reason("fork-secret", text) if {
	input.trigger.isFork == true
	some name in input.step.secrets
	text := concat("", [
		"a run of a fork may not read secret \"", name,
		"\"; remove it from the step, or run from a branch of the repository (trigger.isFork)",
	])
}

deny contains reason("fork-runner", text) if {
	input.trigger.isFork == true
	input.phase == "step"
	not data.runners[input.step.runner].forks == true
	text := concat("", [
		"a run of a fork may not use runner class \"", input.step.runner,
		"\"; set runners.", input.step.runner, ".forks to true in .maestro/policy.yaml",
	])
}

deny contains reason("secret-not-allowed", unlisted("secret", name, "secrets.allow")) if {
	some name in input.step.secrets
	is_array(data.secrets.allow)
	not name in data.secrets.allow
}

deny contains reason("malformed-egress", text) if {
	some host in input.step.egress
	not host_well_formed(host)
	text := concat("", ["egress \"", host, "\" is not a host or host:port; correct the step's egress"])
}

deny contains reason("egress-not-allowed", unlisted("egress", host, "egress.allow")) if {
	some host in input.step.egress
	is_array(data.egress.allow)
	host != "*"
	host_well_formed(host)
	not host_allowed(host)
}

deny contains reason("egress-unknown", text) if {
	is_array(data.egress.allow)
	host_unknown
	text := concat("", [
		"data.egress.allow is set and nobody can say which host the step reaches; ",
		"name its hosts in the step's egress, or write the host in with.url out",
	])
}

# Helpers.

reason(rule, text) := concat("", ["base/", rule, ": ", text])

unknown(noun, name, table) := concat("", [
	noun, " \"", name, "\" is not in data.", table,
	"; add it to ", table, " in .maestro/policy.yaml",
])

unlisted(noun, name, list) := concat("", [
	noun, " \"", name, "\" is not in data.", list,
	"; add it to ", list, " in .maestro/policy.yaml",
])

# `*` is the host of a URL that is not known before the step runs.
host_unknown if "*" in input.step.egress

host_unknown if {
	split(input.step.uses, "@")[0] in {"http", "notify"}
	count(input.step.egress) == 0
}

# ASCII alone: lower() would turn the Kelvin sign into a k.
host_well_formed(host) if {
	host != ""
	trim(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]*") == ""
}

host_allowed(host) if {
	some entry in data.egress.allow
	lower(host) == lower(entry)
}

# *.example.com stands for every name below example.com, not for example.com itself.
host_allowed(host) if {
	some entry in data.egress.allow
	startswith(entry, "*.")
	endswith(lower(host), lower(substring(entry, 1, -1)))
}

budget_settings := {"microUsd": "usd", "tokens": "tokens", "minutes": "minutes"}

budget_max["microUsd"] := round(data.budget.max.usd * 1000000)

budget_max["tokens"] := data.budget.max.tokens

budget_max["minutes"] := data.budget.max.minutes

question_well_formed if {
	input.phase == "run"
	input.step == null
	run_well_formed
}

question_well_formed if {
	input.phase == "step"
	run_well_formed
	step_well_formed
}

run_well_formed if {
	is_string(input.pipeline.name)
	is_string(input.pipeline.kind)
	string_or_null(input.pipeline.version)
	is_string(input.trigger.type)
	is_string(input.trigger.actor.provider)
	is_string(input.trigger.actor.id)
	is_string(input.trigger.repository)
	string_or_null(input.trigger.ref)
	is_boolean(input.trigger.isFork)
	string_or_null(input.purpose)
	string_or_null(input.authority)
	string_or_null(input.licence)
	string_or_null(input.autonomy)
	every name, _ in budget_settings { number_or_null(input.budget[name]) }
}

step_well_formed if {
	is_string(input.step.kind)
	is_string(input.step.uses)
	is_string(input.step.code.uri)
	string_or_null(input.step.code.digest)
	is_string(input.step.runner)
	strings(input.step.tags)
	strings(input.step.egress)
	strings(input.step.secrets)
	string_or_null(input.step.environment)
	is_boolean(input.step.isIdempotent)
	is_number(input.step.timeoutMs)
	is_object(input.step["with"])
}

strings(list) if {
	is_array(list)
	every item in list { is_string(item) }
}

string_or_null(value) if is_string(value)

string_or_null(value) if is_null(value)

number_or_null(value) if is_number(value)

number_or_null(value) if is_null(value)

mappings contains "autonomy" if is_object(data.autonomy)

mappings contains "budget" if is_object(data.budget)

mappings contains "egress" if is_object(data.egress)

mappings contains "environments" if is_object(data.environments)

mappings contains "kinds" if is_object(data.kinds)

mappings contains "purposes" if is_object(data.purposes)

mappings contains "runners" if is_object(data.runners)

mappings contains "secrets" if is_object(data.secrets)

mappings contains "tags" if is_object(data.tags)

malformed_paths contains "autonomy.max" if not levels[data.autonomy.max]

malformed_paths contains concat(".", ["tags", tag, "verdict"]) if {
	some tag, entry in data.tags
	not object.get(entry, "verdict", "allow") in {"allow", "ask", "deny"}
}

malformed_paths contains concat(".", ["environments", name, "protected"]) if {
	some name, entry in data.environments
	not is_boolean(object.get(entry, "protected", false))
}

malformed_paths contains "secrets.allow" if not strings(object.get(data.secrets, "allow", []))

malformed_paths contains "egress.allow" if not strings(object.get(data.egress, "allow", []))

malformed_paths contains "budget.max" if not is_object(object.get(data.budget, "max", {}))

malformed_paths contains concat(".", ["budget.max", name]) if {
	some name, max in object.get(data.budget, "max", {})
	not budget_max_well_formed(name, max)
}

budget_max_well_formed(name, max) if {
	name in {setting | some setting in budget_settings}
	is_number(max)
}
