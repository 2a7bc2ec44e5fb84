import type { CheckConclusion, CheckSpec } from '../../protocol/check.ts';
import type { ChangedPull, StandingCheck } from '../../protocol/report-book.ts';
import { fittingLines, paragraphs } from './body-size.ts';
import { safeCell } from './safe-text.ts';

/** First line of the comment of Maestro. A stranger can copy it, so its author is looked at as well. */
export const COMMENT_MARKER = '<!-- maestro:status -->';

const ROWS_MAX = 100;
const ROWS_BYTES_MAX = 35_000;
const WAITING_MAX = 20;
const WAITING_BYTES_MAX = 20_000;

export interface StickyComment {
  readonly body: string;
  /** Somebody must do something, or everything has ended: not to be kept waiting. */
  readonly isUrgent: boolean;
}

/**
 * What the one comment of a pull request says, made of the checks of its head commit, oldest first. Nothing where all is
 * well and nothing was said before: a comment costs every reader a mail.
 */
export function stickyComment(
  checks: readonly StandingCheck[],
  { headSha, hasComment }: Pick<ChangedPull, 'headSha' | 'hasComment'>,
): StickyComment | undefined {
  const newest = [...new Map(checks.map(({ spec }) => [spec.name, spec])).values()];
  const pipelines = newest.filter((spec) => !isOfStep(spec));
  const waiting = newest.filter((spec) => spec.conclusion === 'action_required');
  const hasFailed = newest.some((spec) => spec.conclusion === 'failure' || spec.conclusion === 'timed_out');
  if (!hasComment && waiting.length === 0 && !hasFailed) return undefined;
  const sha = headSha ?? checks.at(-1)?.target.headSha ?? '';
  return {
    body: paragraphs(
      COMMENT_MARKER,
      `**Maestro** on commit ${sha.replace(/[^0-9a-f]/gi, '').slice(0, 12)}`,
      pipelineTable(pipelines),
      waitingList(waiting),
    ),
    // Of a commit that was just pushed nothing is known yet: a moment later there is more to say.
    isUrgent: waiting.length > 0 || (pipelines.length > 0 && pipelines.every((spec) => spec.status === 'completed')),
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
  if (pipelines.length === 0) return 'No pipeline has run on it.';
  const rows = fittingLines(pipelines.slice(0, ROWS_MAX).map(pipelineRow), ROWS_BYTES_MAX);
  const table = ['| Pipeline | State | Result |', '|---|---|---|', ...rows].join('\n');
  return paragraphs(table, moreThan(rows.length, pipelines.length, 'pipelines'));
}

function pipelineRow(spec: CheckSpec): string {
  const name =
    spec.detailsUrl === null ? safeCell(spec.name) : `[${safeCell(spec.name)}](${encodeURI(spec.detailsUrl)})`;
  return `| ${name} | ${stateOf(spec)} | ${spec.status === 'completed' ? safeCell(spec.title) : ''} |`;
}

function moreThan(shown: number, count: number, things: string): string {
  return count > shown ? `… and ${count - shown} more ${things}.` : '';
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
  const lines = fittingLines(
    waiting.slice(0, WAITING_MAX).map((spec) => `- ${safeCell(spec.name)}: ${safeCell(spec.title, 255)}`),
    WAITING_BYTES_MAX,
  );
  const held = waiting.some(isNotice)
    ? 'This pull request comes from a fork. Somebody with write access to this repository looks at the change and then comments `/maestro ok-to-test`; a new push needs a new look.'
    : '';
  const gates = waiting.some((spec) => !isNotice(spec))
    ? 'To answer, use the buttons of the check, or comment `/maestro approve <gate> <reason>` or `/maestro deny <gate> <reason>`.'
    : '';
  const more = moreThan(lines.length, waiting.length, 'checks');
  return paragraphs('**Waiting for a person**', lines.join('\n'), more, gates, held);
}
