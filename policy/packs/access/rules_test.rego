package maestro.packs.access_test

import data.maestro.fixture_test as fixture

everybody := ["none", "read", "triage", "write", "maintain", "admin"]

readers := ["read", "triage", "write", "maintain", "admin"]

insiders := ["triage", "write", "maintain", "admin"]

writers := ["write", "maintain", "admin"]

# What src/github/commands/command-table.ts said before policy did.
least := {
	"help": {"private": everybody, "public": everybody},
	"status": {"private": readers, "public": readers},
	"explain": {"private": readers, "public": insiders},
	"logs": {"private": readers, "public": insiders},
	"plan": {"private": readers, "public": insiders},
	"run": {"private": writers, "public": writers},
	"retry": {"private": writers, "public": writers},
	"cancel": {"private": writers, "public": writers},
	"approve": {"private": writers, "public": writers},
	"deny": {"private": writers, "public": writers},
	"revoke": {"private": writers, "public": writers},
	"ok-to-test": {"private": writers, "public": writers},
}

public(question) := object.union(question, {"action": {"isPublic": true}})

test_defaults_know_these_actions_and_no_others if object.keys(fixture.defaults.actions) == object.keys(least)

test_who_has_the_permission_may if {
	every name, may in least {
		every permission in may.private { fixture.passed(fixture.action_with(name, {"permission": permission}), {}) }
		every permission in may.public { fixture.passed(public(fixture.action_with(name, {"permission": permission})), {}) }
	}
}

test_nobody_else_may if {
	every name, may in least {
		every permission in everybody {
			may_not(permission, may.private, fixture.action_with(name, {"permission": permission}))
			may_not(permission, may.public, public(fixture.action_with(name, {"permission": permission})))
		}
	}
}

may_not(permission, permissions, _) if permission in permissions

may_not(permission, permissions, question) if {
	not permission in permissions
	fixture.denied_by(question, {}, {"access/role"})
}

test_unknown_action_is_denied if {
	every name in ["", "Status", "destroy", "__proto__"] {
		fixture.denied_by(fixture.action_with(name, {"permission": "admin"}), {}, {"access/unknown-action"})
	}
	fixture.denied_by(fixture.action_with("status", {}), {"actions": {"status": false}}, {"access/unknown-action"})
}

test_app_only_looks if {
	app := {"login": "ci[bot]", "isApp": true, "permission": "admin"}
	every name in ["help", "status", "explain", "logs", "plan"] { fixture.passed(fixture.action_with(name, app), {}) }
	every name in ["run", "retry", "cancel", "approve", "deny", "revoke", "ok-to-test"] {
		fixture.denied_by(fixture.action_with(name, app), {}, {"access/app"})
	}
}

test_role_is_held_by_team_or_login if {
	change := {"roles": {"approver": {"permissions": [], "teams": ["Acme/Release"], "people": ["grACE"]}}}
	only := object.union(change, {"actions": {"approve": {"roles": ["approver"]}}})
	fixture.passed(fixture.action_with("approve", {"permission": "read", "login": "x"}), only)
	fixture.passed(fixture.action_with("approve", {"permission": "none", "teams": []}), only)
	fixture.denied_by(fixture.action_with("approve", {"login": "x", "teams": ["acme/other"]}), only, {"access/role"})
}

test_local_names_differ_in_case if {
	change := {
		"roles": {"developer": {"permissions": [], "people": ["grace"]}},
		"actions": {"run": {"roles": ["developer"]}},
	}
	local := {"provider": "local", "permission": "none", "teams": []}
	fixture.denied_by(fixture.action_with("run", object.union(local, {"login": "Grace"})), change, {"access/role"})
	fixture.passed(fixture.action_with("run", object.union(local, {"login": "grace"})), change)
}

test_admin_may_everything_that_is_known if {
	change := {"actions": {"approve": {"roles": ["no-such-role"], "public": []}}}
	fixture.passed(fixture.action_with("approve", {"permission": "admin"}), change)
	fixture.passed(public(fixture.action_with("approve", {"permission": "admin"})), change)
	fixture.denied_by(fixture.action_with("approve", {"permission": "maintain"}), change, {"access/role"})
}

test_permission_for_the_public_does_not_do_in_private if {
	change := {"actions": {"logs": {"roles": ["developer"], "public": ["triage"]}}}
	fixture.passed(public(fixture.action_with("logs", {"permission": "triage"})), change)
	fixture.denied_by(fixture.action_with("logs", {"permission": "triage"}), change, {"access/role"})
}

test_role_alone_does_not_do_in_public if {
	change := {"roles": {"viewer": {"people": ["Grace"]}}}
	fixture.denied_by(public(fixture.action_with("logs", {"permission": "read"})), change, {"access/role"})
}

test_reason_says_who_may if {
	decision := fixture.decide(fixture.action_with("run", {"permission": "read"}), {})
	decision.reasons == [concat("", [
		"access/role: run wants the role developer or operator, and Grace has the permission read; ",
		"ask somebody who may, or change actions.run or roles in .maestro/policy.yaml",
	])]
}

test_malformed_data_is_denied if {
	every change in [
		{"roles": {"viewer": []}},
		{"roles": {"viewer": {"permissions": "read"}}},
		{"roles": {"viewer": {"teams": [1]}}},
		{"roles": {"viewer": {"people": {}}}},
		{"actions": {"status": []}},
		{"actions": {"status": {"roles": "viewer"}}},
		{"actions": {"status": {"public": "read"}}},
		{"actions": {"status": {"anybody": "yes"}}},
	] {
		fixture.denied_also_by(fixture.action_with("status", {}), change, "access/malformed-data")
	}
}
