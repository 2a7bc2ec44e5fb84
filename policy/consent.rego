# How many people have to agree to a step or a run, and who of them may not.
package maestro.consent

import data.maestro.shape
import data.maestro.step

# A gate waits for people, and so does whatever a pack asks about. gate.freeze waits for time alone.
is_wanted if {
	input.phase == "step"
	input.step.kind == "gate"
	not is_freeze_gate
}

is_wanted if {
	input.phase in {"run", "step"}
	some _ in data.maestro.packs[_].ask
}

is_freeze_gate if split(input.step.uses, "@")[0] == "gate.freeze"

approvals := max(counts)

counts contains 1

counts contains gate_input("approvals")

counts contains environment.approvals

not_actor if is_dual

not_actor if gate_input("not-author") == true

not_actor if is_closed

# By the environment.
is_closed if environment["not-author"] == true

is_closed if {
	environment.protected == true
	not environment["not-author"] == false
}

# Nobody agrees to what they wrote themselves, unless the gate says that they may and nothing else forbids it.
not_author if not_actor

not_author if not is_open_to_author

is_open_to_author if gate_input("not-author") == false

expires_seconds := shape.seconds(environment.expires)

environment := data.environments[input.step.environment]

# Only a gate is given its rules by the pipeline: the same words in the input of work mean what the work makes of them.
gate_input(name) := input.step["with"][name] if input.step.kind == "gate"

# Two people: for every question to people above L3, and from L3 on for what the data lists.
is_dual if level > 3

is_dual if {
	level == 3
	some tag in step.tags
	tag in data.autonomy["dual-control"].tags
}

is_dual if {
	level == 3
	input.step.environment in data.autonomy["dual-control"].environments
}

level := shape.levels[input.autonomy]
