import type { Finding } from '../../pipeline/finding.ts';
import type { CheckAction, CheckConclusion, CheckSpec } from '../../protocol/check.ts';
import type { Annotation } from '../../protocol/outcome.ts';
import type { CodeEvent } from '../code-event.ts';
import { sortAnnotations } from '../report/annotations.ts';
import { safeText } from '../report/safe-text.ts';

const ANNOTATIONS_MAX = 100;
const VOUCH: CheckAction = { label: 'Approve', description: 'You read the commit: let it run', identifier: 'approve' };

/** Name of the aggregate check of a pipeline: what a branch rule requires. */
export function checkNameOf(pipeline: string): string {
  return `maestro / ${pipeline}`;
}

/** A check of a pipeline of which no run was started. */
export interface Subject {
  readonly path: string;
  readonly name: string;
  /** What stands under its name and was said last: GitHub goes by the newest check of a name. */
  readonly last: CheckSpec | undefined;
}

export function skippedNotice(event: CodeEvent, subject: Subject, reason: string): CheckSpec {
  return notice(event, subject, 'skipped', 'Skipped', `No run was started: ${safeText(reason)}.`, []);
}

export function brokenNotice(
  event: CodeEvent,
  subject: Subject,
  reason: string,
  findings: readonly Finding[],
): CheckSpec {
  const shown = findings.slice(0, ANNOTATIONS_MAX);
  const rest = findings.length - shown.length;
  const more = rest > 0 ? ` ${rest} more findings are not shown.` : '';
  const summary = `${safeText(reason)}: see them all with \`maestro lint\`.${more}`;
  return notice(
    event,
    subject,
    'failure',
    'The pipeline has errors',
    summary,
    sortAnnotations(shown.map(annotationOf)).shown,
  );
}

export function heldNotice(event: CodeEvent, subject: Subject): CheckSpec {
  const summary = [
    'The commit comes from a fork, so its code does not run before somebody has read it.',
    '',
    `Somebody with write access to the repository reads the changes, then comments \`/maestro ok-to-test ${event.headSha}\`.`,
    'That holds for this commit and base branch alone: a new push is held again.',
  ].join('\n');
  const held = notice(event, subject, 'action_required', 'Waiting for /maestro ok-to-test', summary, []);
  return { ...held, actions: [VOUCH] };
}

/**
 * A notice that stands says something else from now on. Over a run (of another base branch of a fork) it is a check of its
 * own, which takes the place of that verdict. Buttons read the path behind the second slash.
 */
function externalIdOf({ headSha, deliveryId }: CodeEvent, { path, last }: Subject): string {
  if (last === undefined) return `notice/${headSha}/${path}`;
  if (last.externalId.startsWith('notice/')) return last.externalId;
  return `notice/${headSha}@${deliveryId.replaceAll('/', '-')}/${path}`;
}

function notice(
  event: CodeEvent,
  subject: Subject,
  conclusion: CheckConclusion,
  title: string,
  summary: string,
  annotations: readonly Annotation[],
): CheckSpec {
  return {
    externalId: externalIdOf(event, subject),
    name: checkNameOf(subject.name),
    status: 'completed',
    conclusion,
    title,
    summary,
    text: null,
    annotations,
    actions: [],
    detailsUrl: null,
    startedAt: null,
    completedAt: null,
  };
}

/** What stands on the check until the run itself is reported. */
export function queuedCheck(runId: string, checkName: string): CheckSpec {
  return {
    externalId: runId,
    name: checkName,
    status: 'queued',
    conclusion: null,
    title: 'Queued',
    summary: `Run \`${runId}\` was started.`,
    text: null,
    annotations: [],
    actions: [],
    detailsUrl: null,
    startedAt: null,
    completedAt: null,
  };
}

/** GitHub takes columns only where a remark begins and ends on one line. */
function annotationOf(finding: Finding): Annotation {
  const { line, column, endLine = line, endColumn = column } = finding;
  return {
    level: finding.severity === 'error' ? 'failure' : 'warning',
    title: finding.code,
    message: finding.message,
    path: finding.file,
    startLine: line,
    endLine,
    ...(line === endLine && { startColumn: column, endColumn }),
  };
}
