# In Rego a value of the wrong type makes a rule silently undefined, and an undefined denial allows: so the packs assert
# the types of what they read. Where data.x is missing, `not f(data.x)` is undefined too, because arguments are looked
# up before the negation; `not has_x` is true, with `has_x if f(data.x)`.
package maestro.shape

texts(value) if {
	is_array(value)
	every item in value { is_string(item) }
}

text_or_null(value) if is_string(value)

text_or_null(value) if is_null(value)

number_or_null(value) if is_number(value)

number_or_null(value) if is_null(value)

whole(value) if value == floor(value)

# What can be counted. A figure is written out in reasons, and the module writes none that is much larger.
is_count(value) if {
	is_number(value)
	whole(value)
	value >= 0
	value <= 1000000000
}

levels := {"L0": 0, "L1": 1, "L2": 2, "L3": 3, "L4": 4, "L5": 5}

# Seconds of "90s", "30m", "2h", "7d". Of digits alone: a number may also be written as 1e9.
seconds(duration) := to_number(amount) * second_counts[unit] if {
	is_string(duration)
	amount := trim_right(duration, "smhd")
	count(amount) in numbers.range(1, 9)
	trim(amount, "0123456789") == ""
	not startswith(amount, "0")
	unit := substring(duration, count(amount), -1)
}

second_counts := {"s": 1, "m": 60, "h": 3600, "d": 86400}
