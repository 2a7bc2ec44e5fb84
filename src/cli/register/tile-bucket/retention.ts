import { MaestroError } from '../../../base/errors.ts';

/** COMPLIANCE: nobody deletes it before its day, the owner of the account included. GOVERNANCE: somebody with a right of their own may. */
export type LockMode = 'GOVERNANCE' | 'COMPLIANCE';

/** How long: a count of days or, by the calendar, of years. */
export interface Period {
  readonly count: number;
  readonly unit: 'd' | 'y';
}

export interface Retention {
  readonly mode: LockMode;
  readonly until: Date;
}

/** What whoever exports asks for; undefined: what the bucket does by itself. */
export interface RetentionAsked {
  readonly period: Period | undefined;
  readonly mode: LockMode | undefined;
}

/** What a bucket does by itself with what is written to it. */
export interface LockRule {
  readonly mode: LockMode;
  readonly period: Period;
}

/** As long as S3 lets a bucket's own rule be. */
const COUNT_MAX = { d: 36_500, y: 100 } as const;
const PERIOD = /^([1-9]\d{0,4})([dy])$/;
const DAY_MS = 86_400_000;

/** @throws USAGE */
export function parsePeriod(text: string): Period {
  const match = PERIOD.exec(text);
  const unit = match?.[2] === 'y' ? 'y' : 'd';
  const count = Number(match?.[1]);
  if (match && count <= COUNT_MAX[unit]) return { count, unit };
  throw new MaestroError(
    'USAGE',
    `expected --retain in days or years, such as 90d or 7y (at most 100y), got '${text}'`,
  );
}

/** @throws USAGE */
export function parseLockMode(text: string): LockMode {
  const mode = text.toUpperCase();
  if (mode === 'GOVERNANCE' || mode === 'COMPLIANCE') return mode;
  throw new MaestroError('USAGE', `expected --retain-mode compliance or governance, got '${text}'`);
}

/**
 * What each object is locked with. Without a period of either, nothing is written: a lock cannot be taken back, and an archive
 * without one is none. What is asked for may go beyond the bucket's own rule and not below it.
 * @throws USAGE
 */
export function retentionOf(asked: RetentionAsked, rule: LockRule | undefined, nowMs: number, name: string): Retention {
  const period = asked.period ?? rule?.period;
  if (period === undefined)
    throw new MaestroError(
      'USAGE',
      `expected --retain with how long ${name} keeps what is written, such as 7y, as its bucket has no rule of its own; nobody can shorten it afterwards`,
    );
  const retention = {
    mode: asked.mode ?? (asked.period ? 'COMPLIANCE' : rule?.mode) ?? 'COMPLIANCE',
    until: lastDay(period, nowMs),
  };
  if (rule && isWeaker(retention, { mode: rule.mode, until: lastDay(rule.period, nowMs) }))
    throw new MaestroError(
      'USAGE',
      `expected at least the ${rule.mode} retention of ${textOf(rule.period)} that the bucket of ${name} has as its rule, got ${retention.mode} until ${dayOf(retention.until)}`,
    );
  return retention;
}

/** Whether one lets go of something that the other holds. */
export function isWeaker(one: Retention, other: Retention): boolean {
  return one.until < other.until || (one.mode === 'GOVERNANCE' && other.mode === 'COMPLIANCE');
}

/** `2033-11-29` */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** Never shorter than asked, and the same for all of a day: an export that is made again finds its locks as it wants them. */
function lastDay({ count, unit }: Period, nowMs: number): Date {
  const date = new Date(nowMs);
  if (unit === 'd') date.setUTCDate(date.getUTCDate() + count);
  else date.setUTCFullYear(date.getUTCFullYear() + count);
  return new Date(Math.ceil(date.getTime() / DAY_MS) * DAY_MS);
}

function textOf({ count, unit }: Period): string {
  const word = unit === 'd' ? 'day' : 'year';
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
