import type { Digest } from '../base/digest.ts';
import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { NewDeployment } from '../store/deployments.ts';
import type { StepRow } from '../store/run-rows.ts';
import { readNote } from './outcome-note.ts';
import type { ClosedRun } from './run-facts.ts';

/**
 * What a run that has ended deployed: for each environment that its steps act on, where all of them succeeded, one of them in
 * this very run, and none was undone. What was deployed is what a gate let pass to it, else what the steps that these need have
 * made.
 */
export function deploymentsOf(closed: ClosedRun, payloadSha256: string): readonly NewDeployment[] {
  const { row, compiled } = closed;
  const environments = new Set(
    compiled.plan.steps.flatMap(({ kind, environment }) => (kind === 'work' && environment) || []),
  );
  const undone = undoneIn(closed);
  return [...environments].flatMap((environment) => {
    const own = compiled.plan.steps.flatMap((step, idx) =>
      step.kind === 'work' && step.environment === environment ? [idx] : [],
    );
    const isWhole = own.every((idx) => isDone(closed.steps[idx]) && !undone.has(idx));
    const ran = own.filter((idx) => isOwnSuccess(closed.steps[idx]));
    if (!isWhole || ran.length === 0) return [];
    return [
      {
        namespace: row.namespaceId,
        environment,
        run: row.id,
        artifacts: promoted(closed, environment) ?? madeBefore(closed, own),
        commit: row.trigger.source.gitCommit,
        planDigest: compiled.digest,
        payloadSha256,
        finishedAt: latest(ran.map((idx) => closed.steps[idx]?.finishedAt ?? null)) ?? row.createdAt,
      },
    ];
  });
}

function isDone(step: StepRow | undefined): boolean {
  return step?.status === 'succeeded' || step?.status === 'skipped';
}

/** What a retry carries over has been deployed by an earlier run, and may have been replaced since. */
function isOwnSuccess(step: StepRow | undefined): boolean {
  return step?.status === 'succeeded' && readNote(step.outcome).carriedFrom === undefined;
}

/** Steps whose compensation ran, or was meant to: what they did is no longer there, or nobody knows. */
function undoneIn({ compiled, steps }: ClosedRun): ReadonlySet<number> {
  const behind = compiled.plan.steps.length;
  const begun = steps.filter(({ idx, status }) => idx >= behind && status !== 'skipped');
  return new Set(begun.flatMap(({ idx }) => compiled.graph.compensated[idx - behind] ?? []));
}

function promoted({ promotions, compiled }: ClosedRun, environment: string): readonly Digest[] | undefined {
  const own = promotions.filter((one) => one.environment === environment && isPromoteAt(compiled.plan.steps[one.idx]));
  return own.length === 0 ? undefined : unique(own.flatMap(({ artifacts }) => artifacts));
}

function isPromoteAt(step: Pick<PlanStep, 'code'> | undefined): boolean {
  return step !== undefined && isPromoteGate(step);
}

function madeBefore({ compiled, steps }: ClosedRun, indexes: readonly number[]): readonly Digest[] {
  const found = new Set<number>();
  const open = [...indexes];
  for (let idx = open.pop(); idx !== undefined; idx = open.pop()) {
    if (found.has(idx)) continue;
    found.add(idx);
    open.push(...(compiled.needs[idx] ?? []));
  }
  const made = [...found].flatMap((idx) => readNote(steps[idx]?.outcome ?? {}).artifacts ?? []);
  return unique(made.map(({ digest }) => digest));
}

function unique(digests: readonly Digest[]): readonly Digest[] {
  return [...new Set(digests)].sort();
}

function latest(dates: readonly (Date | null)[]): Date | undefined {
  return dates.flatMap((date) => date ?? []).sort((a, b) => b.getTime() - a.getTime())[0];
}
