# Which secrets a step may read: asked before it becomes ready, and again when a worker fetches the values.
package maestro.packs.secrets

import data.maestro.shape
import data.maestro.step
import data.maestro.text

deny contains reason("missing-data", text.missing("secrets")) if not has_data

deny contains reason("malformed-data", text.malformed(concat(".", ["secrets", name]))) if {
	reads_secrets
	some name in {"allow", "isolation"}
	not shape.texts(object.get(data.secrets, name, []))
}

deny contains reason("malformed-data", text.malformed(concat(".", ["secrets", name]))) if {
	reads_secrets
	some name in {"environments", "tags"}
	not bindings_well_formed(object.get(data.secrets, name, {}))
}

deny contains reason("not-allowed", text.unlisted("secret", name, "secrets.allow")) if {
	reads_secrets
	some name in step.secrets
	not name in object.get(data.secrets, "allow", [name])
}

deny contains reason("environment", message) if {
	reads_secrets
	some name in step.secrets
	bound := data.secrets.environments[name]
	not input.step.environment in bound
	message := concat("", [
		"secret \"", name, "\" is for steps whose environment is ", concat(" or ", bound),
		"; say so in the step, or change secrets.environments.", name, " in .maestro/policy.yaml",
	])
}

deny contains reason("tag", message) if {
	reads_secrets
	some name in step.secrets
	bound := data.secrets.tags[name]
	count({tag | some tag in bound} & {tag | some tag in step.tags}) == 0
	message := concat("", [
		"secret \"", name, "\" is for steps with the tag ", concat(" or ", bound),
		"; tag the step, or change secrets.tags.", name, " in .maestro/policy.yaml",
	])
}

deny contains reason("runner", message) if {
	reads_secrets
	not gives_secrets
	message := concat("", [
		"steps on runner class \"", input.step.runner, "\" get no secrets; use another, or change runners.",
		input.step.runner, ".secrets in .maestro/policy.yaml",
	])
}

deny contains reason("isolation", message) if {
	input.phase == "secret"
	reads_secrets
	wanted := data.secrets.isolation
	not input.secret.isolation in wanted
	message := concat("", [
		"the worker's isolation is ", object.get(spoken, input.secret.isolation, "not stated"),
		", and data.secrets.isolation wants ", concat(" or ", wanted),
		"; use another runner class, or change secrets.isolation in .maestro/policy.yaml",
	])
}

gives_secrets if object.get(data.runners[input.step.runner], "secrets", true) == true

reads_secrets if {
	input.phase in {"step", "secret"}
	count(step.secrets) > 0
}

spoken := {"none": "none", "process": "process", "user": "user", "container": "container"}

bindings_well_formed(bindings) if {
	is_object(bindings)
	every bound in bindings { shape.texts(bound) }
}

has_data if is_object(data.secrets)

reason(rule, message) := concat("", ["secrets/", rule, ": ", message])
