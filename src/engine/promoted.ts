import { type Digest, isDigest } from '../base/digest.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import { PROMOTED_ARTIFACTS_MAX } from '../pipeline/receipt-bytes.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { readNote } from './outcome-note.ts';
import type { RunWork } from './run-work.ts';

/** More is no promotion that a receipt could tell. */
export function isTooMuch(artifacts: readonly Digest[]): boolean {
  return artifacts.length > PROMOTED_ARTIFACTS_MAX;
}

/**
 * What a gate lets go to an environment: what it names, else what the steps before it made. Empty: the commit.
 * @param step with `with` as it is, no longer as a template
 */
export function promotedBy(work: RunWork, step: PlanStep): readonly Digest[] {
  const named = namedBy(step);
  if (named.length > 0) return named;
  const direct = artifactsOf(work, step.needs);
  return direct.length > 0 ? direct : artifactsOf(work, ancestorsOf(work.entry.compiled, step));
}

/** Digests of what those steps made, each once, in order. */
export function artifactsOf(work: RunWork, ids: readonly string[]): readonly Digest[] {
  const { indexById } = work.entry.compiled;
  const indexes = ids.flatMap((id) => indexById.get(id) ?? []);
  const made = indexes.flatMap((idx) => readNote(work.finished(idx)?.outcome ?? {}).artifacts ?? []);
  return [...new Set(made.map(({ digest }) => digest))].sort();
}

function namedBy({ with: { artifacts } }: PlanStep): readonly Digest[] {
  const list = typeof artifacts === 'string' ? artifacts.split(/[\s,]+/) : Array.isArray(artifacts) ? artifacts : [];
  const digests = list.filter((one): one is Digest => typeof one === 'string' && isDigest(one));
  return [...new Set(digests)].sort();
}

/** Ids of everything that a step needs, directly or not. */
export function ancestorsOf({ plan, indexById }: CompiledPlan, step: PlanStep): readonly string[] {
  const found = new Set<string>();
  const open = [...step.needs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(plan.steps[indexById.get(id) ?? -1]?.needs ?? []));
  }
  return [...found];
}
