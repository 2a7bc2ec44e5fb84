# The question has the shape of schema/policy-input.schema.json.
package maestro.question

import data.maestro.people
import data.maestro.shape

well_formed if {
	input.phase == "run"
	input.step == null
	facts_well_formed
}

well_formed if {
	input.phase == "step"
	facts_well_formed
	step_well_formed
}

well_formed if {
	input.phase == "secret"
	facts_well_formed
	step_well_formed
	isolation_well_formed
}

well_formed if {
	input.phase == "action"
	input.step == null
	count((object.keys(input) & facts) - facts_found) == 0
	action_well_formed
}

well_formed if {
	input.phase == "approval"
	facts_well_formed
	step_well_formed_or_null
	approval_well_formed
}

well_formed if {
	input.phase == "promotion"
	facts_well_formed
	step_well_formed
	promotion_well_formed
}

facts := {"pipeline", "trigger", "purpose", "authority", "licence", "autonomy", "budget"}

facts_well_formed if count(facts_found) == count(facts)

facts_found contains "pipeline" if {
	is_string(input.pipeline.name)
	is_string(input.pipeline.kind)
	shape.text_or_null(input.pipeline.version)
	shape.is_count(input.pipeline.steps)
}

facts_found contains "trigger" if {
	is_string(input.trigger.type)
	is_string(input.trigger.actor.provider)
	is_string(input.trigger.actor.id)
	is_string(input.trigger.repository)
	shape.text_or_null(input.trigger.ref)
	is_boolean(input.trigger.isFork)
}

facts_found contains "purpose" if shape.text_or_null(input.purpose)

facts_found contains "authority" if shape.text_or_null(input.authority)

facts_found contains "licence" if shape.text_or_null(input.licence)

facts_found contains "autonomy" if shape.text_or_null(input.autonomy)

facts_found contains "budget" if {
	shape.number_or_null(input.budget.microUsd)
	shape.number_or_null(input.budget.tokens)
	shape.number_or_null(input.budget.minutes)
}

step_well_formed if {
	is_string(input.step.kind)
	is_string(input.step.uses)
	is_string(input.step.code.uri)
	shape.text_or_null(input.step.code.digest)
	is_string(input.step.runner)
	shape.texts(input.step.tags)
	shape.texts(input.step.egress)
	shape.texts(input.step.secrets)
	shape.text_or_null(input.step.environment)
	shape.texts(input.step.gatedBy)
	is_boolean(input.step.isIdempotent)
	is_number(input.step.timeoutMs)
	is_object(input.step["with"])
}

step_well_formed_or_null if input.step == null

step_well_formed_or_null if step_well_formed

isolation_well_formed if input.secret.isolation in {"none", "process", "user", "container", null}

action_well_formed if {
	is_string(input.action.name)
	is_boolean(input.action.isPublic)
	people.well_formed(input.action.person)
}

approval_well_formed if {
	input.approval.decision in {"approve", "deny"}
	is_boolean(input.approval.isActor)
	is_boolean(input.approval.isAuthor)
	is_string(input.approval.at)
	people.well_formed(input.approval.person)
}

promotion_well_formed if {
	is_string(input.promotion.environment)
	is_string(input.promotion.at)
	is_object(input.promotion.clocks)
	shape.texts(input.promotion.artifacts)
	shape.text_or_null(input.promotion.commit)
	is_boolean(input.promotion.isRollback)
	checks_well_formed
	is_array(input.promotion.deployments)
	every deployment in input.promotion.deployments { deployment_well_formed(deployment) }
}

deployment_well_formed(deployment) if {
	is_string(deployment.environment)
	shape.is_count(abs(deployment.ageSeconds))
	is_boolean(deployment.isVerified)
}

checks_well_formed if input.promotion.checks == null

checks_well_formed if {
	is_array(input.promotion.checks)
	every check in input.promotion.checks { check_well_formed(check) }
}

check_well_formed(check) if {
	is_string(check.name)
	shape.text_or_null(check.conclusion)
}
