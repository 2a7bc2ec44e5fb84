# Windows in which an environment stays as it is, on the clocks of the people who wrote them.
package maestro.packs.freeze

import data.maestro.clock
import data.maestro.consent
import data.maestro.shape
import data.maestro.text

deny contains reason("missing-data", text.missing("freeze")) if not has_data

deny contains reason("malformed-data", text.malformed("freeze.windows")) if {
	input.phase == "promotion"
	not windows_well_formed
}

deny contains reason("unknown-clock", message) if {
	some window in applying
	not has_clock(window)
	message := concat("", [
		"nobody can say what time it is in ", window.timezone, ", where data.freeze.windows[", window.name,
		"] is written; correct its timezone in .maestro/policy.yaml (promotion.clocks)",
	])
}

deny contains reason("window", frozen(window)) if {
	some window in in_force
	effect(window) == "deny"
}

oblige contains {"type": "hold", "value": reason("window", frozen(window))} if {
	some window in in_force
	effect(window) == "hold"
}

oblige contains {"type": "hold-until", "value": end(window)} if {
	some window in in_force
	effect(window) == "hold"
}

windows := object.get(data.freeze, "windows", [])

windows_well_formed if {
	is_array(windows)
	every window in windows { window_well_formed(window) }
}

# What was there before may come back at any time.
applying contains window if {
	input.phase == "promotion"
	input.promotion.isRollback == false
	some window in windows
	applies(window)
}

applies(window) if input.promotion.environment in window.environments

# A window that names no environment is for all that are protected.
applies(window) if {
	not window.environments
	data.environments[input.promotion.environment].protected == true
}

in_force contains window if {
	some window in applying
	now := input.promotion.clocks[window.timezone]
	covers(window, now)
}

covers(window, now) if {
	moment := concat("T", [now.date, now.time])
	window.from <= moment
	moment < window.to
}

covers(window, now) if {
	from := clock.minute_of_week_text(window.weekly.from)
	to := clock.minute_of_week_text(window.weekly.to)
	is_between(clock.minute_of_week(now.weekday, now.time), from, to)
}

is_between(minute, from, to) if {
	from < to
	from <= minute
	minute < to
}

# Over the end of the week; and all of it, where it ends when it begins.
is_between(minute, from, to) if {
	from >= to
	minute >= from
}

is_between(minute, from, to) if {
	from >= to
	minute < to
}

# gate.freeze is there to wait.
effect(window) := object.get(window, "effect", "hold") if consent.is_freeze_gate

effect(window) := object.get(window, "effect", "deny") if not consent.is_freeze_gate

# On the clock of its zone: which instant that is depends on summer time, which the engine knows.
end(window) := concat("", [window.to, "[", window.timezone, "]"]) if not window.weekly

end(window) := concat("", [date, "T", clock.time_text(to % clock.day_minutes), "[", window.timezone, "]"]) if {
	now := input.promotion.clocks[window.timezone]
	from := clock.minute_of_week(now.weekday, now.time)
	to := clock.minute_of_week_text(window.weekly.to)
	minutes := clock.minute_of_day(now.time) + minutes_between(from, to)
	date := clock.date_after(now.date, floor(minutes / clock.day_minutes))
}

# At least one, at most a week.
minutes_between(from, to) := ((((to - from) + (2 * clock.week_minutes)) - 1) % clock.week_minutes) + 1

frozen(window) := concat("", [
	"data.freeze.windows[", window.name, "] keeps ", input.promotion.environment, " as it is until ", end(window),
	"; wait, or change the window in .maestro/policy.yaml",
])

has_clock(window) if {
	now := input.promotion.clocks[window.timezone]
	clock.is_date(now.date)
	clock.minute_of_week(now.weekday, now.time) >= 0
}

window_well_formed(window) if {
	is_string(window.name)
	is_string(window.timezone)
	shape.texts(object.get(window, "environments", []))
	object.get(window, "effect", "deny") in {"deny", "hold"}
	times_well_formed(window)
}

times_well_formed(window) if {
	not window.weekly
	clock.is_moment(window.from)
	clock.is_moment(window.to)
	window.from < window.to
}

times_well_formed(window) if {
	clock.minute_of_week_text(window.weekly.from) >= 0
	clock.minute_of_week_text(window.weekly.to) >= 0
}

has_data if is_object(data.freeze)

reason(rule, message) := concat("", ["freeze/", rule, ": ", message])
