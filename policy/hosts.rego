# Hosts that a step reaches, and lists of them.
package maestro.hosts

import data.maestro.step

# ASCII alone: lower() would turn the Kelvin sign into a k.
well_formed(host) if {
	host != ""
	trim(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]*") == ""
}

within(host, list) if {
	some entry in list
	covers(entry, lower(host))
}

covers(entry, host) if host == lower(entry)

# *.example.com stands for every name below example.com, not for example.com itself.
covers(entry, host) if {
	startswith(entry, "*.")
	endswith(host, lower(substring(entry, 1, -1)))
}

# `*` is the host of a URL that is not known before the step runs.
unknown if "*" in step.egress

unknown if {
	count(step.egress) == 0
	split(input.step.uses, "@")[0] in {"http", "notify"}
}

# What the step is known to reach; hosts that are none are denied by the pack egress.
known contains host if {
	some host in step.egress
	host != "*"
	well_formed(host)
}
