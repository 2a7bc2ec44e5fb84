# Who has to agree, how many of them, and who may not.
package maestro.packs.approvals

import data.maestro.consent
import data.maestro.people
import data.maestro.shape

deny contains reason("malformed-gate", message) if {
	input.phase in {"step", "approval"}
	some name in {"approvals", "from", "not-author"}
	value := consent.gate_input(name)
	not is_null(value)
	not gate_input_well_formed(name, value)
	message := concat("", ["with.", name, " of the gate is of a kind that no rule knows; correct it in the pipeline"])
}

deny contains reason("app", message) if {
	input.phase == "approval"
	person.isApp == true
	message := concat("", [person.login, " is an App, and only people answer; ask a person (approval.person.isApp)"])
}

deny contains reason("author", message) if {
	is_approved
	input.approval.isAuthor == true
	consent.not_author
	message := concat("", [
		person.login, " wrote this; let somebody else approve it, or change ",
		relief, " (approval.isAuthor)",
	])
}

deny contains reason("actor", message) if {
	is_approved
	input.approval.isActor == true
	consent.not_actor
	message := concat("", [
		person.login, " started the run; let somebody else approve it, or change ",
		relief, " (approval.isActor)",
	])
}

deny contains reason("not-named", message) if {
	is_answered_by_others
	count(named) > 0
	not people.meant(person, named)
	message := concat("", [
		person.login, " is none of those whom the gate names; let one of them answer, or change with.from: ",
		concat(", ", named),
	])
}

deny contains reason("not-reviewer", message) if {
	is_answered_by_others
	count(reviewers) > 0
	not people.meant(person, reviewers)
	message := concat("", [
		person.login, " is none of the reviewers of ", input.step.environment,
		"; let one of them answer, or change environments.", input.step.environment,
		".reviewers in .maestro/policy.yaml: ", concat(", ", reviewers),
	])
}

deny contains reason("role", message) if {
	is_answered_by_others
	count(named) == 0
	count(reviewers) == 0
	not may_approve
	message := concat("", [
		person.login, " holds neither the role approver nor release-manager with the permission ", person.permission,
		"; let somebody answer who does, or change roles in .maestro/policy.yaml",
	])
}

# Where a gate has promoted to the environment before, people were asked there.
ask contains reason("protected-environment", message) if {
	input.phase == "step"
	input.step.kind == "work"
	consent.environment.protected == true
	not input.step.environment in input.step.gatedBy
	message := concat("", [
		"data.environments.", input.step.environment,
		".protected is true; approve the step, or change it in .maestro/policy.yaml",
	])
}

oblige contains {"type": "approvals", "value": consent.approvals} if consent.is_wanted

oblige contains {"type": "approver-is-not-actor", "value": true} if {
	consent.is_wanted
	consent.not_actor
}

oblige contains {"type": "approver-is-not-author", "value": true} if {
	consent.is_wanted
	consent.not_author
}

oblige contains {"type": "expires-seconds", "value": consent.expires_seconds} if consent.is_wanted

person := input.approval.person

is_approved if {
	input.phase == "approval"
	input.approval.decision == "approve"
}

# Who wrote or started it may always refuse it.
is_answered_by_others if is_approved

is_answered_by_others if {
	input.phase == "approval"
	input.approval.isAuthor == false
	input.approval.isActor == false
}

default named := []

named := consent.gate_input("from") if is_array(consent.gate_input("from"))

default reviewers := []

reviewers := consent.environment.reviewers

may_approve if people.holds(person, "approver")

may_approve if people.holds(person, "release-manager")

may_approve if people.is_local_admin(person)

default relief := "with.not-author of the gate"

relief := "autonomy in .maestro/policy.yaml" if consent.is_dual

relief := concat("", ["environments.", input.step.environment, ".not-author in .maestro/policy.yaml"]) if {
	not consent.is_dual
	consent.is_closed
}

gate_input_well_formed("approvals", value) if shape.is_count(value)

gate_input_well_formed("from", value) if shape.texts(value)

gate_input_well_formed("not-author", value) if is_boolean(value)

reason(rule, message) := concat("", ["approvals/", rule, ": ", message])
