# Questions and data for the packs' tests. The data is the packs' own defaults, with what a test changes of them.
package maestro.fixture_test

defaults := object.union_n([pack.default | some pack in data.packs])

run := {
	"phase": "run",
	"pipeline": {"name": "golden", "kind": "ci", "version": null, "steps": 3},
	"trigger": {
		"type": "push",
		"actor": {"provider": "github", "id": "ada"},
		"repository": "https://github.com/acme/shop",
		"ref": "refs/heads/main",
		"isFork": false,
	},
	"purpose": null,
	"authority": null,
	"licence": null,
	"autonomy": null,
	"budget": {"microUsd": null, "tokens": null, "minutes": null},
	"step": null,
}

work := {
	"kind": "work",
	"uses": "shell",
	"code": {"uri": "maestro:shell", "digest": null},
	"runner": "linux",
	"tags": [],
	"egress": [],
	"secrets": [],
	"environment": null,
	"gatedBy": [],
	"isIdempotent": true,
	"timeoutMs": 60000,
	"with": {},
}

gate := object.union(work, {"kind": "gate", "uses": "approval"})

person := {
	"provider": "github",
	"account": "77",
	"login": "Grace",
	"permission": "write",
	"teams": ["acme/release"],
	"isApp": false,
}

digest := "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

promotion := {
	"environment": "prod",
	"at": "2026-11-27T15:30:00Z",
	"clocks": {
		"Europe/Paris": {"date": "2026-11-27", "time": "16:30", "weekday": "fri"},
		"UTC": {"date": "2026-11-27", "time": "15:30", "weekday": "fri"},
	},
	"artifacts": [digest],
	"commit": "1f2e3d",
	"isRollback": false,
	"deployments": [],
	"checks": [],
}

run_with(change) := object.union(run, change)

step_with(change) := object.union(run, {"phase": "step", "step": object.union(work, change)})

gate_with(change) := object.union(run, {"phase": "step", "step": object.union(gate, change)})

fork_with(change) := object.union(step_with(change), {"trigger": {"isFork": true}})

secret_with(change, isolation) := object.union(step_with(change), {
	"phase": "secret",
	"secret": {"isolation": isolation},
})

action_with(name, change) := {
	"phase": "action",
	"step": null,
	"action": {"name": name, "isPublic": false, "person": object.union(person, change)},
}

# An answer by somebody else than who wrote or started it, to a step or, where that is null, to the run.
approval_with(step, change) := object.union(run, {
	"phase": "approval",
	"step": step,
	"approval": object.union(
		{
			"decision": "approve",
			"isActor": false,
			"isAuthor": false,
			"at": "2026-11-27T15:30:00Z",
			"person": person,
		},
		change,
	),
})

promotion_with(change) := object.union(run, {
	"phase": "promotion",
	"step": object.union(gate, {"uses": "gate.promote", "environment": "prod"}),
	"promotion": object.union(promotion, change),
})

decide(question, change) := decision if {
	config := object.union(object.union({"authorities": null, "licences": null}, defaults), change)
	decision := data.maestro.decision with input as question
		with data.actions as config.actions
		with data.authorities as config.authorities
		with data.autonomy as config.autonomy
		with data.budget as config.budget
		with data.egress as config.egress
		with data.environments as config.environments
		with data.freeze as config.freeze
		with data.kinds as config.kinds
		with data.licences as config.licences
		with data.pii as config.pii
		with data.purposes as config.purposes
		with data.quota as config.quota
		with data.release as config.release
		with data.residency as config.residency
		with data.roles as config.roles
		with data.routing as config.routing
		with data.runners as config.runners
		with data.secrets as config.secrets
		with data.supplychain as config.supplychain
		with data.tags as config.tags
}

rules_of(reasons) := {rule |
	some reason in reasons
	rule := split(reason, ":")[0]
}

denied_by(question, change, rules) if {
	decision := decide(question, change)
	decision.verdict == "deny"
	decision.obligations == []
	rules_of(decision.reasons) == rules
}

# Also by rules that the same mistake makes speak.
denied_also_by(question, change, rule) if {
	decision := decide(question, change)
	decision.verdict == "deny"
	rule in rules_of(decision.reasons)
}

asked_by(question, change, rules) if {
	decision := decide(question, change)
	decision.verdict == "ask"
	rules_of(decision.reasons) == rules
}

allowed(question, change) if {
	decision := decide(question, change)
	decision.verdict == "allow"
	decision.reasons == []
}

# What is neither denied nor has to wait.
passed(question, change) if decide(question, change) == {"verdict": "allow", "reasons": [], "obligations": []}

# Not yet, by these rules.
held_by(question, change, rules) if {
	decision := decide(question, change)
	decision.verdict == "allow"
	rules_of([duty.value | some duty in decision.obligations; duty.type == "hold"]) == rules
}

duty(question, change, type) := [duty.value | some duty in decide(question, change).obligations; duty.type == type]
