# Who somebody is to policy: the roles that they hold, and whether a list of people means them.
package maestro.people

import data.maestro.shape

# By permission, team or login, whichever the role names.
holds(person, role) if person.permission in data.roles[role].permissions

holds(person, role) if {
	some team in data.roles[role].teams
	belongs(person, team)
}

holds(person, role) if {
	some login in data.roles[role].people
	is_called(person, login)
}

# An entry of a list is `role:NAME`, `organisation/team` or a login.
meant(person, list) if {
	some entry in list
	matches(person, entry)
}

matches(person, entry) if {
	startswith(entry, "role:")
	holds(person, substring(entry, 5, -1))
}

matches(person, entry) if {
	contains(entry, "/")
	belongs(person, entry)
}

matches(person, entry) if {
	not startswith(entry, "role:")
	not contains(entry, "/")
	is_called(person, entry)
}

belongs(person, team) if {
	some own in person.teams
	lower(own) == lower(team)
}

is_called(person, login) if person.login == login

# GitHub's logins differ in more than case; local names need not.
is_called(person, login) if {
	person.provider == "github"
	lower(person.login) == lower(login)
}

# Whoever sits at the machine: nobody there gives out permissions.
is_local_admin(person) if {
	person.provider == "local"
	person.permission == "admin"
}

well_formed(person) if {
	is_string(person.provider)
	is_string(person.account)
	is_string(person.login)
	person.permission in {"none", "read", "triage", "write", "maintain", "admin"}
	is_boolean(person.isApp)
	shape.texts(person.teams)
}
