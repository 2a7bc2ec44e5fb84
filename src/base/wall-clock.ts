import { Temporal } from 'temporal-polyfill';

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const MINUTE_CHARS = 16;

/** What a clock on a wall shows. */
export interface WallClock {
  /** `2026-11-28` */
  readonly date: string;
  /** `14:37` */
  readonly time: string;
  readonly weekday: (typeof WEEKDAYS)[number];
}

/**
 * A moment as a clock in that time zone shows it, summer time included.
 * @param timezone name in the IANA database, `Europe/Paris`
 * @returns undefined for a zone that nobody knows
 */
export function wallClock(ms: number, timezone: string): WallClock | undefined {
  try {
    const there = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(timezone);
    const [date = '', time = ''] = there.toPlainDateTime().toString().slice(0, MINUTE_CHARS).split('T');
    return { date, time, weekday: WEEKDAYS[there.dayOfWeek - 1] as WallClock['weekday'] };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * The moment at which a clock shows this: `2027-01-03T00:00[Europe/Paris]`. A time that is left out in spring is the one an
 * hour later; one that comes twice in autumn is the first.
 * @returns milliseconds since 1970; undefined where the text is not one
 */
export function momentOf(text: string): number | undefined {
  try {
    return Temporal.ZonedDateTime.from(text).epochMilliseconds;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
