import type { ProtectionRequest, ReviewSpec } from '../../protocol/protection.ts';
import { isRunFinal, type RunView } from '../../protocol/run.ts';
import { fittingLines } from '../report/body-size.ts';
import { safeText } from '../report/safe-text.ts';

/** What somebody said to a gate of the run, in the order in which it was said. */
export interface GivenAnswer {
  readonly decision: 'approve' | 'deny' | 'revoke';
  /** Login. */
  readonly by: string;
}

/** GitHub counts characters; there are no more of them than bytes. */
const COMMENT_BYTES_MAX = 1024;
/** Escaped it may be six times as long: what is said first has to fit. */
const REASON_CHARS_MAX = 140;
const REASONS_MAX = 5;
const PEOPLE_MAX = 10;
const NAME_CHARS_MAX = 60;

/**
 * What GitHub should hear about a job that waits: why it waits, or the answer with its reasons. Nothing while there is nothing to
 * say yet.
 */
export function reviewOf(
  run: RunView,
  request: ProtectionRequest,
  answers: readonly GivenAnswer[],
  checkName: string,
): ReviewSpec | undefined {
  const base = { ...request, externalId: `${request.runId}/review/${request.environment}` };
  if (!isRunFinal(run.status)) {
    const reasons = waitingReasons(run);
    if (reasons.length === 0) return undefined;
    const how = `Answer with the buttons of the check ${safeText(checkName, NAME_CHARS_MAX)}, or \`maestro approve ${run.id}\`.`;
    return { ...base, state: null, comment: commentOf('Maestro waits:', reasons, how) };
  }
  const isApproved = run.status === 'succeeded';
  const head = isApproved ? 'Approved by Maestro' : 'Rejected by Maestro';
  const reasons = isApproved ? approvals(run, answers) : refusals(run);
  return {
    ...base,
    state: isApproved ? 'approved' : 'rejected',
    comment: commentOf(reasons.length === 0 ? `${head}.` : `${head}:`, reasons, `Run \`${run.id}\`.`),
  };
}

/** Whole lines, as many as fit: the first one always does. */
function commentOf(head: string, reasons: readonly string[], tail: string): string {
  const room = COMMENT_BYTES_MAX - Buffer.byteLength(`${head}\n\n\n\n${tail}`);
  const lines = [...new Set(reasons)].slice(0, REASONS_MAX).map((reason) => `- ${safeText(reason, REASON_CHARS_MAX)}`);
  return [head, fittingLines(lines, room).join('\n'), tail].filter((part) => part !== '').join('\n\n');
}

function waitingReasons(run: RunView): readonly string[] {
  if (run.isConsentWanted) return ['policy asks for consent', ...(run.decision?.reasons ?? [])];
  return run.steps.flatMap(({ status, hold }) => (status === 'held' && hold ? parts(hold.reason || 'an answer') : []));
}

function approvals(run: RunView, answers: readonly GivenAnswer[]): readonly string[] {
  const standing = new Set<string>();
  for (const { decision, by } of answers) standing[decision === 'approve' ? 'add' : 'delete'](by);
  const people = [...standing].slice(0, PEOPLE_MAX);
  const said = people.length === 0 ? [] : [`approved by ${people.join(', ')}`];
  return [
    ...said,
    ...run.steps.flatMap(({ reason, decision }) => [...parts(reason ?? ''), ...(decision?.reasons ?? [])]),
  ];
}

function refusals(run: RunView): readonly string[] {
  const own = run.decision?.verdict === 'allow' ? [] : (run.decision?.reasons ?? []);
  const ofSteps = run.steps.flatMap(({ reason, decision }) => [
    ...parts(reason ?? ''),
    ...(decision === null || decision.verdict === 'allow' ? [] : decision.reasons),
  ]);
  return [...parts(run.reason ?? ''), ...own, ...ofSteps];
}

/** The engine joins reasons to one text. */
function parts(reason: string): readonly string[] {
  return reason.split('; ').filter((part) => part !== '');
}
