import type { CheckSpec } from '../../protocol/check.ts';
import type { StandingCheck } from '../../protocol/report-book.ts';

const SETTLED = new Set(['success', 'neutral', 'skipped']);

/**
 * A new run of a pipeline on the same commit makes a new aggregate of the same name, which resets its verdict. Checks of
 * single steps have to be taken back: the new run may have none of that name. Gates of a run that still waits are left.
 *
 * @param standing all checks of the commit
 * @param runIds runs of one pipeline on it, newest first
 */
export function supersededChecks(
  standing: readonly StandingCheck[],
  runIds: readonly string[],
): readonly StandingCheck[] {
  const [newest, ...older] = runIds;
  return older.flatMap((runId) => {
    const isOver = standing.some(({ spec }) => spec.externalId === runId && isVerdict(spec));
    return standing
      .filter(({ spec }) => spec.externalId.startsWith(`${runId}/`) && !SETTLED.has(spec.conclusion ?? ''))
      .filter(({ spec }) => isOver || spec.conclusion !== 'action_required')
      .map(({ target, spec }) => ({ target, spec: takenBack(spec, newest ?? '') }));
  });
}

function isVerdict(spec: CheckSpec): boolean {
  return spec.status === 'completed' && spec.conclusion !== 'action_required';
}

function takenBack(spec: CheckSpec, newest: string): CheckSpec {
  return {
    ...spec,
    status: 'completed',
    conclusion: 'neutral',
    title: 'Superseded by a newer run',
    summary: `Run \`${newest.replace(/[^0-9a-z]/gi, '')}\` of the same pipeline speaks for this commit now.\n\n${spec.summary}`,
    actions: [],
  };
}
