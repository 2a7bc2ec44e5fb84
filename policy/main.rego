# One question, one answer: every pack is a folder below packs/ whose package is maestro.packs.<name>. A pack says
#   deny contains reason      what was asked about must not happen
#   ask contains reason       a person has to agree first
#   oblige contains {"type": ..., "value": ...}
# A reason is "<pack>/<rule>: <what is wrong>; <which datum changes the answer>". Deny beats ask, ask beats allow.
package maestro

# METADATA
# description: The answer to a question.
# entrypoint: true
decision := {
	"verdict": verdict,
	"reasons": reasons[verdict],
	"obligations": obligations,
}

# METADATA
# description: What each pack says to a question, also those that have nothing to say.
# entrypoint: true
explain[pack] := {"deny": sort(denied), "ask": sort(asked), "oblige": sort(obliged)} if {
	some pack
	denied := data.maestro.packs[pack].deny
	asked := {reason | some reason in data.maestro.packs[pack].ask}
	obliged := {duty | some duty in data.maestro.packs[pack].oblige}
}

default verdict := "deny"

verdict := "ask" if {
	count(denials) == 0
	count(questions) > 0
}

verdict := "allow" if {
	count(denials) == 0
	count(questions) == 0
}

reasons := {
	"deny": sort(denials),
	"ask": sort(questions),
	"allow": [],
}

# A denied question obliges to nothing.
default obligations := []

obligations := sort([duty | some duty in duties; not is_lesser(duty)]) if verdict != "deny"

denials contains reason if some reason in data.maestro.packs[_].deny

questions contains reason if some reason in data.maestro.packs[_].ask

duties contains duty if some duty in data.maestro.packs[_].oblige

# Where several packs want people to agree, the most count for all.
is_lesser(duty) if {
	duty.type == "approvals"
	some other in duties
	other.type == "approvals"
	other.value > duty.value
}
