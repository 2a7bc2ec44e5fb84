# What goes to an environment was in the environment before it: the same, long enough, with green checks.
package maestro.packs.promotion

import data.maestro.consent
import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("environments")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["environments", name]))) if {
	some name in names_read
	entry := data.environments[name]
	not environment_well_formed(entry)
}

deny contains reason("unknown-environment", text.unknown("environment", name, "environments")) if {
	some name in names_meant
	not data.environments[name]
}

deny contains reason("environment-missing", message) if {
	input.phase == "step"
	is_environment_gate
	input.step.environment == null
	message := concat("", [input.step.uses, " names no environment; say which in with.environment"])
}

deny contains reason("nothing", message) if {
	is_judged
	not subject
	message := "there is neither an artifact nor a commit to promote; let a step before the gate make one (artifacts)"
}

deny contains reason("upstream", message) if {
	is_judged
	some name in upstream
	not ages[name]
	message := concat("", [
		subject, " is not what ", name, " runs; deploy exactly this there first, or change environments.", target_name,
		".order in .maestro/policy.yaml",
	])
}

deny contains reason("unverified", message) if {
	is_judged
	some name in upstream
	ages[name]
	not name in verified
	message := concat("", [
		"no signed receipt says that ", subject, " came to ", name,
		"; deploy it there by a run (promotion.deployments)",
	])
}

deny contains reason("checks-unknown", message) if {
	is_judged
	count(target.checks) > 0
	input.promotion.checks == null
	message := concat("", [
		"data.environments.", target_name, ".checks wants checks of the commit, and nobody can see them here; ",
		"promote from where they can be seen, or change it in .maestro/policy.yaml",
	])
}

deny contains reason("check-failed", message) if {
	is_judged
	count(checks_red) > 0
	message := concat("", [
		"not green: ", concat(", ", array.slice(checks_red, 0, checks_named)),
		"; make it green, or change environments.", target_name, ".checks in .maestro/policy.yaml",
	])
}

oblige contains {"type": "hold", "value": reason("soak", message)} if {
	is_soaking
	message := concat("", [
		subject, " has to be in ", concat(" and ", sort(upstream)), " for ", target.soak,
		"; wait, or change environments.", target_name, ".soak in .maestro/policy.yaml",
	])
}

oblige contains {"type": "hold-seconds", "value": soak_left} if is_soaking

oblige contains {"type": "hold", "value": reason("checks", message)} if {
	is_judged
	count(checks_open) > 0
	message := concat("", [
		"not green yet: ", concat(", ", array.slice(checks_open, 0, checks_named)),
		"; wait for them, or change environments.", target_name, ".checks in .maestro/policy.yaml",
	])
}

# A commit without any check is one whose checks have not begun.
oblige contains {"type": "hold", "value": reason("checks", message)} if {
	is_judged
	target.checks == "all"
	count(input.promotion.checks) == 0
	message := concat("", [
		"the commit has no check yet; wait for one, or name those that count in environments.", target_name,
		".checks in .maestro/policy.yaml",
	])
}

green := {"success", "neutral", "skipped"}

# What was there before may come back at any time.
is_judged if {
	input.phase == "promotion"
	input.promotion.isRollback == false
	not consent.is_freeze_gate
}

is_environment_gate if split(input.step.uses, "@")[0] in {"gate.promote", "gate.freeze"}

target_name := input.promotion.environment

target := data.environments[target_name]

# By digest, and where there is none, the commit.
subject := concat(", ", input.promotion.artifacts) if count(input.promotion.artifacts) > 0

subject := input.promotion.commit if {
	count(input.promotion.artifacts) == 0
	is_string(input.promotion.commit)
}

upstream contains name if {
	some name, entry in data.environments
	entry.order == upstream_order
}

upstream_order := max({entry.order |
	some entry in data.environments
	entry.order < target.order
})

# The newest of each environment is given; where there are more, the youngest counts.
ages[name] := min(found) if {
	some name in {deployment.environment | some deployment in input.promotion.deployments}
	found := {deployment.ageSeconds |
		some deployment in input.promotion.deployments
		deployment.environment == name
	}
}

verified contains deployment.environment if {
	some deployment in input.promotion.deployments
	deployment.isVerified == true
}

soak_left := ceil(shape.seconds(target.soak) - min({ages[name] | some name in upstream}))

is_soaking if {
	is_judged
	soak_left > 0
}

# Lists in the order of the question: a commit may have thousands of checks, which would have to be sorted.
checks_wanted := input.promotion.checks if target.checks == "all"

checks_wanted := [check | some check in input.promotion.checks; check.name in target.checks] if is_array(target.checks)

checks_red := [said |
	some check in checks_wanted
	is_string(check.conclusion)
	not check.conclusion in green
	said := concat("", [check.name, " (", check.conclusion, ")"])
]

checks_open := array.concat(
	[check.name | some check in checks_wanted; check.conclusion == null],
	[name | some name in checks_listed; not name in {check.name | some check in checks_wanted}],
)

default checks_listed := []

checks_listed := target.checks if is_array(target.checks)

checks_named := 20

names_meant contains input.step.environment if {
	input.phase in {"step", "secret", "promotion"}
	input.step.environment != null
}

# Who refuses something need not know where it would have gone.
names_meant contains input.step.environment if {
	input.phase == "approval"
	input.approval.decision == "approve"
	input.step.environment != null
}

names_meant contains target_name if input.phase == "promotion"

names_read contains input.step.environment

names_read contains name if {
	input.phase == "promotion"
	some name, _ in data.environments
}

environment_well_formed(entry) if {
	is_object(entry)
	is_number(object.get(entry, "order", 0))
	is_boolean(object.get(entry, "protected", false))
	is_boolean(object.get(entry, "not-author", false))
	is_number(object.get(entry, "approvals", 1))
	shape.whole(object.get(entry, "approvals", 1))
	shape.texts(object.get(entry, "reviewers", []))
	shape.seconds(object.get(entry, "soak", "1s"))
	shape.seconds(object.get(entry, "expires", "1s"))
	shape.levels[object.get(entry, "autonomy", "L0")] >= 0
	checks_well_formed(object.get(entry, "checks", []))
}

checks_well_formed("all")

checks_well_formed(checks) if shape.texts(checks)

has_data if is_object(data.environments)

reason(rule, message) := concat("", ["promotion/", rule, ": ", message])
