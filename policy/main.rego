# One question, one answer: every pack is a folder below packs/ whose package is maestro.packs.<name>. A pack says
#   deny contains reason      the step or run must not go on
#   ask contains reason       a person has to agree first
#   oblige contains {"type": ..., "value": ...}
# A reason is "<pack>/<rule>: <what is wrong>; <which datum changes the answer>". Deny beats ask, ask beats allow.
package maestro

decision := {
	"verdict": verdict,
	"reasons": reasons[verdict],
	"obligations": obligations,
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

obligations := sort(duties) if verdict != "deny"

denials contains reason if some reason in data.maestro.packs[_].deny

questions contains reason if some reason in data.maestro.packs[_].ask

duties contains duty if some duty in data.maestro.packs[_].oblige
