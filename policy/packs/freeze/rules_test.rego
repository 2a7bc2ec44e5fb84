package maestro.packs.freeze_test

import data.maestro.fixture_test as fixture

windows(list) := {"freeze": {"windows": list}}

weekend := {
	"name": "weekend",
	"environments": ["prod"],
	"timezone": "Europe/Paris",
	"weekly": {"from": "fri 16:00", "to": "mon 08:00"},
}

year_end := {
	"name": "year-end",
	"timezone": "Europe/Paris",
	"from": "2026-12-20T00:00",
	"to": "2027-01-03T00:00",
}

holding(window) := object.union(window, {"effect": "hold"})

at(day, oclock, weekday) := {"clocks": {"Europe/Paris": {"date": day, "time": oclock, "weekday": weekday}}}

promotion(change) := fixture.promotion_with(change)

freeze_gate(change) := object.union(promotion(change), {"step": {"uses": "gate.freeze@1.0.0"}})

until(question, window) := fixture.duty(question, windows([window]), "hold-until")

test_nothing_is_frozen_unless_the_data_says_so if {
	fixture.passed(promotion({}), {})
	fixture.passed(promotion({}), windows([]))
	fixture.passed(freeze_gate({}), {})
}

test_weekly_window_wraps_over_the_end_of_the_week if {
	every moment in [
		at("2026-11-27", "16:00", "fri"),
		at("2026-11-27", "23:59", "fri"),
		at("2026-11-28", "12:00", "sat"),
		at("2026-11-29", "00:00", "sun"),
		at("2026-11-30", "07:59", "mon"),
	] {
		fixture.denied_by(promotion(moment), windows([weekend]), {"freeze/window"})
	}
	every moment in [
		at("2026-11-27", "15:59", "fri"),
		at("2026-11-30", "08:00", "mon"),
		at("2026-12-02", "12:00", "wed"),
	] {
		fixture.passed(promotion(moment), windows([weekend]))
	}
}

test_weekly_window_within_the_week if {
	nights := object.union(weekend, {"weekly": {"from": "tue 20:00", "to": "wed 06:00"}})
	fixture.denied_by(promotion(at("2026-12-01", "20:00", "tue")), windows([nights]), {"freeze/window"})
	fixture.denied_by(promotion(at("2026-12-02", "05:59", "wed")), windows([nights]), {"freeze/window"})
	fixture.passed(promotion(at("2026-12-02", "06:00", "wed")), windows([nights]))
	fixture.passed(promotion(at("2026-11-29", "20:00", "sun")), windows([nights]))
	fixture.passed(promotion(at("2026-11-30", "12:00", "mon")), windows([nights]))
}

test_window_that_ends_when_it_begins_is_the_whole_week if {
	always := object.union(weekend, {"weekly": {"from": "wed 12:00", "to": "wed 12:00"}})
	fixture.denied_by(promotion(at("2026-12-02", "12:00", "wed")), windows([always]), {"freeze/window"})
	fixture.denied_by(promotion(at("2026-12-02", "11:59", "wed")), windows([always]), {"freeze/window"})
	until(promotion(at("2026-12-02", "12:00", "wed")), holding(always)) == ["2026-12-09T12:00[Europe/Paris]"]
	until(promotion(at("2026-12-02", "11:59", "wed")), holding(always)) == ["2026-12-02T12:00[Europe/Paris]"]
}

test_absolute_window_is_open_from_its_beginning_to_its_end if {
	every moment in [at("2026-12-20", "00:00", "sun"), at("2027-01-02", "23:59", "sat")] {
		fixture.denied_by(promotion(moment), windows([year_end]), {"freeze/window"})
	}
	every moment in [at("2026-12-19", "23:59", "sat"), at("2027-01-03", "00:00", "sun")] {
		fixture.passed(promotion(moment), windows([year_end]))
	}
}

test_window_without_environments_is_for_all_that_are_protected if {
	moment := at("2026-12-24", "18:00", "thu")
	fixture.denied_by(promotion(moment), windows([year_end]), {"freeze/window"})
	fixture.passed(promotion(object.union(moment, {"environment": "staging"})), windows([year_end]))
	named := object.union(year_end, {"environments": ["staging"]})
	fixture.denied_by(promotion(object.union(moment, {"environment": "staging"})), windows([named]), {"freeze/window"})
	fixture.passed(promotion(moment), windows([named]))
}

test_window_that_holds_says_until_when if {
	friday := promotion(at("2026-11-27", "18:00", "fri"))
	fixture.held_by(friday, windows([holding(weekend)]), {"freeze/window"})
	until(friday, holding(weekend)) == ["2026-11-30T08:00[Europe/Paris]"]
	until(promotion(at("2026-11-30", "07:59", "mon")), holding(weekend)) == ["2026-11-30T08:00[Europe/Paris]"]
	until(promotion(at("2026-12-24", "18:00", "thu")), holding(year_end)) == ["2027-01-03T00:00[Europe/Paris]"]
}

test_end_of_a_week_is_in_another_month_or_year if {
	until(promotion(at("2026-12-31", "10:00", "thu")), thursday) == ["2027-01-04T08:00[Europe/Paris]"]
	until(promotion(at("2026-04-30", "10:00", "thu")), thursday) == ["2026-05-04T08:00[Europe/Paris]"]
	until(promotion(at("2026-02-26", "10:00", "thu")), thursday) == ["2026-03-02T08:00[Europe/Paris]"]
	until(promotion(at("2028-02-26", "10:00", "sat")), thursday) == ["2028-02-28T08:00[Europe/Paris]"]
	until(promotion(at("2028-02-27", "10:00", "sun")), thursday) == ["2028-02-28T08:00[Europe/Paris]"]
	until(promotion(at("2100-02-26", "10:00", "fri")), thursday) == ["2100-03-01T08:00[Europe/Paris]"]
	until(promotion(at("2024-02-29", "10:00", "thu")), thursday) == ["2024-03-04T08:00[Europe/Paris]"]
	always := object.union(thursday, {"weekly": {"from": "wed 08:00", "to": "wed 08:00"}})
	until(promotion(at("2000-02-29", "10:00", "tue")), always) == ["2000-03-01T08:00[Europe/Paris]"]
}

thursday := object.union(holding(weekend), {"weekly": {"from": "thu 08:00", "to": "mon 08:00"}})

test_deny_beats_hold if {
	moment := at("2026-12-26", "18:00", "sat")
	fixture.denied_by(promotion(moment), windows([holding(weekend), year_end]), {"freeze/window"})
}

test_freeze_gate_waits_unless_the_window_denies if {
	moment := at("2026-11-27", "18:00", "fri")
	fixture.held_by(freeze_gate(moment), windows([weekend]), {"freeze/window"})
	fixture.duty(freeze_gate(moment), windows([weekend]), "hold-until") == ["2026-11-30T08:00[Europe/Paris]"]
	denying := object.union(weekend, {"effect": "deny"})
	fixture.denied_by(freeze_gate(moment), windows([denying]), {"freeze/window"})
}

test_rollback_happens_in_a_freeze if {
	rollback := object.union(at("2026-11-27", "18:00", "fri"), {"isRollback": true})
	fixture.passed(promotion(rollback), windows([weekend]))
	elsewhere := object.union(weekend, {"timezone": "Mars/Olympus"})
	fixture.passed(promotion({"isRollback": true}), windows([elsewhere]))
}

test_time_that_nobody_can_tell_is_no_time_to_promote if {
	elsewhere := object.union(weekend, {"timezone": "Mars/Olympus"})
	fixture.denied_by(promotion({}), windows([elsewhere]), {"freeze/unknown-clock"})
	every clock in [
		{"date": "2026-11-27", "time": "25:00", "weekday": "fri"},
		{"date": "2026-11-27", "time": "12:60", "weekday": "fri"},
		{"date": "2026-11-27", "time": "1e:00", "weekday": "fri"},
		{"date": "2026-11-27", "time": "12-00", "weekday": "fri"},
		{"date": "2026-11-27", "time": "12:00", "weekday": "Fri"},
		{"date": "2026-11-31", "time": "12:00", "weekday": "fri"},
		{"date": "2026-13-01", "time": "12:00", "weekday": "fri"},
		{"date": "26-11-27", "time": "12:00", "weekday": "fri"},
		{"date": null, "time": null, "weekday": null},
		null,
	] {
		question := fixture.promotion_with({"clocks": {"Europe/Paris": clock}})
		fixture.denied_also_by(question, windows([weekend]), "freeze/unknown-clock")
	}
	fixture.passed(promotion({"environment": "staging"}), windows([elsewhere]))
}

test_reason_names_the_window if {
	decision := fixture.decide(promotion(at("2026-11-27", "18:00", "fri")), windows([weekend]))
	decision.reasons == [concat("", [
		"freeze/window: data.freeze.windows[weekend] keeps prod as it is until 2026-11-30T08:00[Europe/Paris]; ",
		"wait, or change the window in .maestro/policy.yaml",
	])]
}

test_malformed_windows_are_denied if {
	every change in [
		{"name": null},
		{"timezone": 2},
		{"environments": "prod"},
		{"effect": "maybe"},
		{"weekly": "always"},
		{"weekly": {"from": "fri 16:00", "to": "mon 24:00"}},
		{"weekly": {"from": "friday 16:00", "to": "mon 08:00"}},
		{"weekly": {"from": "fri  16:00", "to": "mon 08:00"}},
		{"weekly": {"from": 5, "to": 1}},
	] {
		malformed := windows([object.union(weekend, change)])
		fixture.denied_also_by(promotion({}), malformed, "freeze/malformed-data")
	}
	every change in [
		{"to": "2026-12-20T00:00"},
		{"to": "2026-12-19T00:00"},
		{"from": "2026-12-20"},
		{"from": "2026-02-30T00:00"},
		{"to": "2027-01-03 00:00"},
		{"to": null},
	] {
		malformed := windows([object.union(year_end, change)])
		fixture.denied_also_by(promotion({}), malformed, "freeze/malformed-data")
	}
	fixture.denied_also_by(promotion({}), windows(["weekend"]), "freeze/malformed-data")
	fixture.denied_also_by(promotion({}), windows({"weekend": weekend}), "freeze/malformed-data")
}
