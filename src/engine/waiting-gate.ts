import type { Digest } from '../base/digest.ts';
import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import { approvalSubject } from '../provenance/approval-subject.ts';
import type { AskedDecision } from '../store/decisions.ts';
import { askPolicy } from './admission.ts';
import { stepAt } from './compiled-plan.ts';
import { environmentOfGate } from './gated-by.ts';
import { artifactsOf, promotedBy } from './promoted.ts';
import { resolveInputs } from './resolve-inputs.ts';
import type { RunWork } from './run-work.ts';

/** A step that waits for people, as they and policy see it. */
export interface WaitingGate {
  readonly idx: number;
  readonly generation: number;
  /** With `with` as it is, no longer as a template. */
  readonly step: PlanStep;
  readonly environment: string | null;
  /** What policy says to it today: it passes under this decision, not under the one by which it began to wait. */
  readonly asked: AskedDecision;
}

export function waitingGate(work: RunWork, idx: number): WaitingGate {
  const planned = stepAt(work.entry.compiled, idx);
  const contexts = work.contexts(idx);
  const isCompensation = work.isCompensation(idx);
  const step = isCompensation ? planned : { ...planned, with: resolveInputs(planned, contexts) };
  const asked = askPolicy(work.pack.policy, {
    entry: work.entry,
    step: planned,
    idx,
    contexts,
    isCompensation,
    gatedBy: work.gatedBy(idx),
  });
  const generation = work.state.steps[idx]?.generation ?? 0;
  return { idx, generation, step, environment: environmentOfGate(planned, contexts), asked };
}

/** What an approver sees: the plan, the commit, the environment, and what the steps before the gate made. */
export function subjectOf(work: RunWork, { step, environment }: WaitingGate): Digest {
  return approvalSubject({
    runId: work.row.key,
    gate: step.id,
    environment,
    planDigest: work.entry.compiled.digest,
    gitCommit: work.row.trigger.source.gitCommit,
    artifactDigests: isPromoteGate(step) ? promotedBy(work, step) : artifactsOf(work, step.needs),
  });
}
