# What a clock on the wall shows, and what it will show. Without time.*: a decision is a function of its question alone,
# and moments become instants where the time zone is known, in the engine.
package maestro.clock

week_minutes := 10080

day_minutes := 1440

weekdays := {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}

# Minutes since midnight of "14:37".
minute_of_day(text) := (hour * 60) + minute if {
	count(text) == 5
	substring(text, 2, 1) == ":"
	hour := two_digits(text, 0)
	hour < 24
	minute := two_digits(text, 3)
	minute < 60
}

# Minutes since Monday's midnight.
minute_of_week(weekday, text) := (weekdays[weekday] * day_minutes) + minute_of_day(text)

# Minutes since Monday's midnight of "fri 16:00".
minute_of_week_text(text) := minute_of_week(parts[0], parts[1]) if {
	parts := split(text, " ")
	count(parts) == 2
}

# "2026-11-28" and at most a month's days later.
date_after(date, days) := date_text(year, month, day) if {
	year := date_year(date)
	month := two_digits(date, 5)
	day := two_digits(date, 8) + days
	day <= month_days(year, month)
}

date_after(date, days) := date_text(year, month + 1, day) if {
	year := date_year(date)
	month := two_digits(date, 5)
	month < 12
	day := (two_digits(date, 8) + days) - month_days(year, month)
	day > 0
}

date_after(date, days) := date_text(date_year(date) + 1, 1, day) if {
	two_digits(date, 5) == 12
	day := (two_digits(date, 8) + days) - 31
	day > 0
}

time_text(minutes) := concat(":", [padded(floor(minutes / 60)), padded(minutes % 60)])

is_date(text) if {
	count(text) == 10
	substring(text, 4, 1) == "-"
	substring(text, 7, 1) == "-"
	two_digits(text, 8) in numbers.range(1, month_days(date_year(text), two_digits(text, 5)))
}

# "2026-12-20T00:00"
is_moment(text) if {
	is_string(text)
	count(text) == 16
	substring(text, 10, 1) == "T"
	is_date(substring(text, 0, 10))
	minute_of_day(substring(text, 11, 5))
}

date_text(year, month, day) := concat("-", [format_int(year, 10), padded(month), padded(day)])

date_year(date) := (two_digits(date, 0) * 100) + two_digits(date, 2)

month_days(_, month) := 31 if month in {1, 3, 5, 7, 8, 10, 12}

month_days(_, month) := 30 if month in {4, 6, 9, 11}

month_days(year, 2) := 28 if not is_leap(year)

month_days(year, 2) := 29 if is_leap(year)

is_leap(year) if {
	year % 4 == 0
	not year % 100 == 0
}

is_leap(year) if year % 400 == 0

# A table, not to_number: that takes 08, 1e and the like differently in different places.
two_digits(text, at) := (digits[substring(text, at, 1)] * 10) + digits[substring(text, at + 1, 1)]

digits := {"0": 0, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 7, "8": 8, "9": 9}

padded(number) := concat("", ["0", format_int(number, 10)]) if number < 10

padded(number) := format_int(number, 10) if number >= 10
