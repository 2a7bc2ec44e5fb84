import type { WriteAllowance, WriteAsk, WriteGrant, WritePurpose } from '../protocol/write-allowance.ts';
import type { Database, Row } from './database.ts';

/**
 * GitHub's secondary limit is 80 writes a minute and 500 an hour for each installation. In any such span a bucket gives its
 * size and what flows in, so both together stay below.
 */
const MINUTE = { size: 35, inflow: 40, spanMs: 60_000 } as const;
const HOUR = { size: 140, inflow: 340, spanMs: 3_600_000 } as const;
type Bucket = typeof MINUTE | typeof HOUR;

/** What a purpose leaves in the buckets for those that may wait less. */
const LEFT: Readonly<Record<WritePurpose, { readonly minute: number; readonly hour: number }>> = {
  answer: { minute: 0, hour: 0 },
  release: { minute: 5, hour: 20 },
  report: { minute: 10, hour: 30 },
  remainder: { minute: 12, hour: 50 },
};
/** A bucket that flowed in for exactly as long as it was said to take holds a whole write, whatever was rounded. */
const TOLERANCE = 1e-6;

/** What a bucket of `write_allowance a` holds at `$1`, in milliseconds. */
function filled(column: string, { size, inflow, spanMs }: Bucket): string {
  return `least(${size}::float8, a.${column} + greatest($1::bigint - a.at_ms, 0) * ${inflow}::float8 / ${spanMs})`;
}

const MINUTE_NOW = filled('minute', MINUTE);
const HOUR_NOW = filled('hour', HOUR);

/** Whether a row `write_allowance a`, or none, has a write for the purpose at `$1`. */
export function hasWrite(purpose: Exclude<WritePurpose, 'answer'>): string {
  const { minute, hour } = LEFT[purpose];
  return `(a.installation_id is null or (greatest(a.closed_until_ms, a.resting_until_ms) <= $1::bigint
    and ${MINUTE_NOW} >= ${1 + minute - TOLERANCE} and ${HOUR_NOW} >= ${1 + hour - TOLERANCE}))`;
}

const FIRST_GRANT = `greatest(0, least($3::int, ${MINUTE.size} - $4::int, ${HOUR.size} - $5::int))`;
const CLOSED_UNTIL = 'greatest(a.closed_until_ms, case when $6::boolean then 0 else a.resting_until_ms end)';
const GRANT = `(case when ${CLOSED_UNTIL} > $1::bigint then 0
  else greatest(0, least($3::int, floor(${MINUTE_NOW} - $4::int + ${TOLERANCE}), floor(${HOUR_NOW} - $5::int + ${TOLERANCE}))) end)`;
const TAKE = `insert into write_allowance as a (installation_id, minute, hour, at_ms, granted)
  values ($2, ${MINUTE.size} - ${FIRST_GRANT}, ${HOUR.size} - ${FIRST_GRANT}, $1, ${FIRST_GRANT})
  on conflict (installation_id) do update set granted = ${GRANT}, minute = ${MINUTE_NOW} - ${GRANT},
    hour = ${HOUR_NOW} - ${GRANT}, at_ms = greatest(a.at_ms, $1::bigint)
  returning a.granted, a.minute, a.hour, ${CLOSED_UNTIL}`;

/** Two token buckets for each installation, of a minute and of an hour. */
export function openWriteAllowance(db: Database): WriteAllowance {
  return {
    take: async (installationId, ask) => {
      const { minute, hour } = LEFT[ask.purpose];
      const values = [ask.nowMs, installationId, ask.atMost, minute, hour, ask.purpose === 'answer'];
      const rows = await db.query('write_take', TAKE, values);
      return toGrant(rows[0] ?? [], ask);
    },
    giveBack: async (installationId, count) => {
      await db.query(
        'write_give_back',
        `update write_allowance set minute = least(${MINUTE.size}, minute + $2::int), hour = least(${HOUR.size}, hour + $2::int)
         where installation_id = $1`,
        [installationId, count],
      );
    },
    close: async (installationId, untilMs) => {
      await db.query('write_close', shut('closed_until_ms'), [installationId, untilMs]);
    },
    rest: async (installationId, untilMs) => {
      await db.query('write_rest', shut('resting_until_ms'), [installationId, untilMs]);
    },
  };
}

function shut(column: 'closed_until_ms' | 'resting_until_ms'): string {
  return `insert into write_allowance as a (installation_id, minute, hour, at_ms, ${column})
    values ($1, ${MINUTE.size}, ${HOUR.size}, 0, $2)
    on conflict (installation_id) do update set ${column} = greatest(a.${column}, excluded.${column})`;
}

function toGrant([granted, minute, hour, closedUntilMs]: Row, { purpose, nowMs }: WriteAsk): WriteGrant {
  if (Number(granted) > 0) return { taken: Number(granted), waitMs: 0 };
  const left = LEFT[purpose];
  const waitMs = Math.max(
    Number(closedUntilMs) - nowMs,
    flowMs(1 + left.minute - Number(minute), MINUTE),
    flowMs(1 + left.hour - Number(hour), HOUR),
  );
  return { taken: 0, waitMs: Math.max(1, Math.ceil(waitMs)) };
}

function flowMs(writes: number, { inflow, spanMs }: Bucket): number {
  return (writes * spanMs) / inflow;
}
