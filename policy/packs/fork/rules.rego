# Code of a fork is nobody's here: it gets no secret, only the runners that are meant for it, and goes nowhere.
package maestro.packs.fork

import data.maestro.step

deny contains reason("secret", message) if {
	input.phase in {"step", "secret"}
	input.trigger.isFork == true
	some name in step.secrets
	message := concat("", [
		"a run of a fork may not read secret \"", name,
		"\"; remove it from the step, or run from a branch of the repository (trigger.isFork)",
	])
}

deny contains reason("runner", message) if {
	input.phase == "step"
	input.trigger.isFork == true
	not data.runners[input.step.runner].forks == true
	message := concat("", [
		"a run of a fork may not use runner class \"", input.step.runner,
		"\"; set runners.", input.step.runner, ".forks to true in .maestro/policy.yaml",
	])
}

deny contains reason("promotion", message) if {
	input.phase == "promotion"
	input.trigger.isFork == true
	message := concat("", [
		"what a run of a fork made may not go to ", input.promotion.environment,
		"; run from a branch of the repository (trigger.isFork)",
	])
}

reason(rule, message) := concat("", ["fork/", rule, ": ", message])
