# Who may do what: roles by permission, team or login, and the roles that an action wants.
package maestro.packs.access

import data.maestro.people
import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing(key)) if some key in ({"actions", "roles"} - found)

deny contains reason("malformed-data", text.malformed(concat(".", ["roles", name]))) if {
	input.phase in {"action", "approval"}
	some name, role in data.roles
	not role_well_formed(role)
}

deny contains reason("malformed-data", text.malformed(concat(".", ["actions", input.action.name]))) if {
	wanted
	not wanted_well_formed
}

deny contains reason("unknown-action", text.unknown("action", input.action.name, "actions")) if {
	input.phase == "action"
	not wanted
}

# Whoever steers a program has had no permission checked, so it may look and no more.
deny contains reason("app", message) if {
	input.phase == "action"
	input.action.person.isApp == true
	not input.action.name in {"explain", "help", "logs", "plan", "status"}
	message := concat("", [
		input.action.person.login, " is an App, and those only look: ask a person to ", input.action.name,
		" (action.person.isApp)",
	])
}

deny contains reason("role", message) if {
	input.phase == "action"
	wanted
	not is_allowed
	message := concat("", [
		input.action.name, " wants ", wish, ", and ", input.action.person.login, " has the permission ",
		input.action.person.permission, "; ask somebody who may, or change actions.", input.action.name,
		" or roles in .maestro/policy.yaml",
	])
}

wanted := data.actions[input.action.name] if input.phase == "action"

is_allowed if wanted.anybody == true

is_allowed if people.holds(input.action.person, "admin")

is_allowed if {
	not is_narrowed
	some role in wanted.roles
	people.holds(input.action.person, role)
}

is_allowed if {
	is_narrowed
	input.action.person.permission in wanted.public
}

# Everybody on the internet has permission to read a public repository.
is_narrowed if {
	input.action.isPublic == true
	wanted.public
}

wish := concat("", ["the permission ", concat(" or ", wanted.public)]) if is_narrowed

wish := concat("", ["the role ", concat(" or ", object.get(wanted, "roles", []))]) if not is_narrowed

role_well_formed(role) if {
	shape.texts(object.get(role, "permissions", []))
	shape.texts(object.get(role, "teams", []))
	shape.texts(object.get(role, "people", []))
}

wanted_well_formed if {
	shape.texts(object.get(wanted, "roles", []))
	shape.texts(object.get(wanted, "public", []))
	is_boolean(object.get(wanted, "anybody", false))
}

found contains "actions" if is_object(data.actions)

found contains "roles" if is_object(data.roles)

reason(rule, message) := concat("", ["access/", rule, ": ", message])
