import type { CheckConclusion, CheckSpec } from '../../protocol/check.ts';
import type { StandingCheck } from '../../protocol/report-book.ts';
import { safeCell } from './safe-text.ts';

/** First line of the comment of Maestro. A stranger can copy it, so its author is looked at as well. */
export const COMMENT_MARKER = '<!-- maestro:status -->';

/** GitHub takes 65,536 characters. */
const ROWS_MAX = 100;
const WAITING_MAX = 20;

export interface StickyComment {
  readonly body: string;
  /** Somebody must do something, or everything has ended: not to be kept waiting. */
  readonly isUrgent: boolean;
}

/**
 * What the one comment of a pull request says, made of the checks of its head commit, oldest first. Nothing where all is
 * well and nothing was said before: a comment costs every reader a mail.
 */
export function stickyComment(checks: readonly StandingCheck[], hasComment: boolean): StickyComment | undefined {
  const newest = [...new Map(checks.map(({ spec }) => [spec.name, spec])).values()];
  const pipelines = newest.filter((spec) => !isOfStep(spec));
  const waiting = newest.filter((spec) => spec.conclusion === 'action_required');
  const hasFailed = newest.some((spec) => spec.conclusion === 'failure' || spec.conclusion === 'timed_out');
  if (!hasComment && waiting.length === 0 && !hasFailed) return undefined;
  const sha = checks.at(-1)?.target.headSha ?? '';
  const parts = [
    COMMENT_MARKER,
    `**Maestro** on commit ${sha.replace(/[^0-9a-f]/gi, '').slice(0, 12)}`,
    pipelineTable(pipelines),
    waitingList(waiting),
  ];
  return {
    body: parts.filter((part) => part !== '').join('\n\n'),
    isUrgent: waiting.length > 0 || pipelines.every((spec) => spec.status === 'completed'),
  };
}

/** `<run id>/<step id>`; a notice about a pipeline that was not started stands for the pipeline. */
function isOfStep(spec: CheckSpec): boolean {
  return spec.externalId.includes('/') && !isNotice(spec);
}

function isNotice(spec: CheckSpec): boolean {
  return spec.externalId.startsWith('notice/');
}

function pipelineTable(pipelines: readonly CheckSpec[]): string {
  if (pipelines.length === 0) return '';
  const rows = pipelines.slice(0, ROWS_MAX).map((spec) => {
    const name =
      spec.detailsUrl === null ? safeCell(spec.name) : `[${safeCell(spec.name)}](${encodeURI(spec.detailsUrl)})`;
    return `| ${name} | ${stateOf(spec)} | ${spec.status === 'completed' ? safeCell(spec.title) : ''} |`;
  });
  const more = pipelines.length > ROWS_MAX ? `\n\n… and ${pipelines.length - ROWS_MAX} more pipelines.` : '';
  return ['| Pipeline | State | Result |', '|---|---|---|', ...rows].join('\n') + more;
}

const STATES: Readonly<Record<CheckConclusion, string>> = {
  success: '✅ success',
  failure: '❌ failure',
  timed_out: '❌ timed out',
  action_required: '⏸️ waits for you',
  neutral: '▫️ neutral',
  skipped: '▫️ skipped',
  cancelled: '🚫 cancelled',
};

function stateOf(spec: CheckSpec): string {
  if (spec.conclusion !== null) return STATES[spec.conclusion];
  return spec.status === 'queued' ? '▫️ queued' : '🔵 in progress';
}

function waitingList(waiting: readonly CheckSpec[]): string {
  if (waiting.length === 0) return '';
  const lines = waiting.slice(0, WAITING_MAX).map((spec) => `- ${safeCell(spec.name)}: ${safeCell(spec.title, 255)}`);
  const held = waiting.some(isNotice)
    ? 'This pull request comes from a fork. Somebody with write access to this repository looks at the change and then comments `/maestro ok-to-test`; a new push needs a new look.'
    : '';
  const gates = waiting.some((spec) => !isNotice(spec))
    ? 'To answer, use the buttons of the check, or comment `/maestro approve <gate> <reason>` or `/maestro deny <gate> <reason>`.'
    : '';
  return [`**Waiting for a person**`, lines.join('\n'), gates, held].filter((part) => part !== '').join('\n\n');
}
