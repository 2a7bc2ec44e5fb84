import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PolicyEngine } from '../policy/evaluate.ts';
import type { PolicyInput } from '../policy/input.ts';
import { runInput } from '../policy/input-from-plan.ts';
import type { StartRun } from '../protocol/client.ts';
import type { ExplainView, Explanation } from '../protocol/explain.ts';
import type { Database } from '../store/database.ts';
import { decisionsOfRun, loadDecisionInputs } from '../store/decision-inputs.ts';
import { loadDecisions } from '../store/decisions.ts';
import { WHOLE_RUN } from '../store/timers.ts';
import { type CompiledPlan, compilePlan, stepAt } from './compiled-plan.ts';
import type { Policies } from './policies.ts';
import { askSteps } from './preview.ts';
import type { Queries } from './queries.ts';
import { decisionView } from './run-view.ts';

/** Each holds a question, of up to a megabyte. */
const SHOWN_MAX = 50;

export interface ExplainTools {
  readonly db: Database;
  readonly queries: Queries;
  readonly policies: Policies;
}

/**
 * What policy was asked about a run, or one step of it, and what each pack says to that by the rules of today.
 * @throws STEP_NOT_FOUND
 */
export async function explainRun(tools: ExplainTools, run: number, step?: string): Promise<Explanation> {
  const { db, queries, policies } = tools;
  const { row, entry } = await queries.load(run);
  const { compiled } = entry;
  const policy = (await policies.load(db, [row.namespaceId])).get(row.namespaceId)?.inForce.policy;
  if (!policy) throw new MaestroError('RUN_NOT_FOUND', `run ${row.key} belongs to no namespace`);
  const wanted = step === undefined ? undefined : indexesOf(compiled, step);
  const all = (await decisionsOfRun(db, run)).filter(({ idx }) => wanted?.includes(idx) !== false);
  const shown = all.slice(0, SHOWN_MAX);
  const ids = [...new Set(shown.map(({ decisionId }) => decisionId))];
  const decisions = await loadDecisions(db, ids);
  const inputs = await loadDecisionInputs(db, ids);
  const asked = shown.flatMap(({ idx, decisionId }): ExplainView[] => {
    const stored = decisions.get(decisionId);
    const input = inputs.get(decisionId);
    if (!stored || !input) return [];
    const id = idx === WHOLE_RUN ? null : stepAt(compiled, idx).id;
    return [{ ...explained(policy, id, input), decision: decisionView(stored.decision) }];
  });
  return { asked, more: all.length - shown.length };
}

/** The same of a plan that does not run yet. @throws STEP_NOT_FOUND */
export function explainPlan(policy: PolicyEngine, request: StartRun, step?: string): Explanation {
  const compiled = compilePlan(request.plan);
  const wanted = step === undefined ? undefined : indexesOf(compiled, step);
  const run = (): PolicyInput => runInput(request.plan, request.trigger);
  const all = [
    { idx: WHOLE_RUN, decision: policy.evaluate(run()), input: run },
    ...askSteps(policy, request).map((asked, idx) => ({ idx, ...asked })),
  ].filter(({ idx }) => wanted?.includes(idx) !== false);
  const strictest = all.toSorted((a, b) => STRICTNESS[b.decision.verdict] - STRICTNESS[a.decision.verdict]);
  const asked = strictest.slice(0, SHOWN_MAX).map(({ idx, decision, input }) => ({
    ...explained(policy, idx === WHOLE_RUN ? null : stepAt(compiled, idx).id, input() as unknown as JsonObject),
    decision: decisionView(decision),
  }));
  return { asked, more: all.length - asked.length };
}

const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

function explained(policy: PolicyEngine, step: string | null, input: JsonObject): Omit<ExplainView, 'decision'> {
  const question = input as unknown as PolicyInput;
  return { step, phase: question.phase, packs: policy.explain(question), packDigest: policy.packDigest, input };
}

function indexesOf({ indexById, indexesByBase }: CompiledPlan, step: string): readonly number[] {
  const idx = indexById.get(step);
  const found = idx === undefined ? indexesByBase.get(step) : [idx];
  if (found === undefined) throw new MaestroError('STEP_NOT_FOUND', `there is no step ${step}`);
  return found;
}
