import type { Sandbox } from '../../../sandbox/sandbox.ts';

/** What a server is in the midst of when something of that kind was just seen, and for how long, in ms. */
export const KINDS = {
  /** A webhook was answered with 2xx: between arrival and effect. */
  webhook: 400,
  /** A check run was written, and its answer is under way. */
  check: 80,
  /** A comment was written or acknowledged. */
  comment: 120,
  /** A job was asked for, and the answer is under way: between call and record. */
  dispatch: 100,
  /** A job has begun: it registers soon. */
  job: 4000,
  /** A job said something: a step begins, runs or ends. */
  step: 400,
  /** No moment in particular. */
  time: 250,
} as const satisfies Readonly<Record<string, number>>;

export type Kind = keyof typeof KINDS;
export type Counts = Readonly<Record<Kind, number>>;

const POLL_MS = 2;
const TICK_MS = 250;
const OPERATIONS: Readonly<Record<string, Kind>> = {
  'checks/create': 'check',
  'checks/update': 'check',
  'issues/create-comment': 'comment',
  'issues/update-comment': 'comment',
  'reactions/create-for-issue-comment': 'comment',
  'actions/create-workflow-dispatch': 'dispatch',
};

export interface Watch {
  readonly counts: () => Counts;
  readonly end: () => void;
}

/** Tells of every moment of a kind, within milliseconds of it, with how many of the kind there have been. */
export function watch(sandbox: Sandbox, hear: (kind: Kind, count: number) => void): Watch {
  const counts: Record<Kind, number> = { webhook: 0, check: 0, comment: 0, dispatch: 0, job: 0, step: 0, time: 0 };
  const seen = { calls: 0, deliveries: 0 };
  const startedMs = performance.now();
  const timer = setInterval(() => {
    const found: Kind[] = [];
    const calls = sandbox.calls();
    for (const { operation } of calls.slice(seen.calls)) found.push(...kindOf(operation));
    seen.calls = calls.length;
    const deliveries = sandbox.deliveries();
    for (const { statusCode } of deliveries.slice(seen.deliveries)) if (statusCode === 202) found.push('webhook');
    seen.deliveries = deliveries.length;
    const jobs = sandbox.jobs();
    found.push(...fresh('job', jobs.filter(({ status }) => status !== 'queued').length, counts.job));
    const lines = jobs.reduce((total, { log }) => total + log.length, 0);
    found.push(...fresh('step', lines, counts.step));
    found.push(...fresh('time', Math.floor((performance.now() - startedMs) / TICK_MS), counts.time));
    for (const kind of found) hear(kind, ++counts[kind]);
  }, POLL_MS);
  return { counts: () => ({ ...counts }), end: () => clearInterval(timer) };
}

function kindOf(operation: string | null): readonly Kind[] {
  const kind = operation === null ? undefined : OPERATIONS[operation];
  return kind === undefined ? [] : [kind];
}

function fresh(kind: Kind, now: number, before: number): readonly Kind[] {
  return Array.from({ length: Math.max(0, now - before) }, () => kind);
}
