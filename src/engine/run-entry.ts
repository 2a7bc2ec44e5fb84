import type { PolicyTrigger } from '../policy/input-from-plan.ts';
import { runKey } from '../policy/input-from-plan.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { Session } from '../store/database.ts';
import { loadPlan } from '../store/plans.ts';
import { loadRuns } from '../store/run-rows.ts';
import { type CompiledPlan, compilePlan } from './compiled-plan.ts';
import { type RunContexts, runContexts } from './contexts.ts';

const PLANS_KEPT = 500;
const RUNS_KEPT = 50_000;

/** What never changes of a run, kept in memory so that leasing a step reads nothing. */
export interface RunEntry {
  readonly id: number;
  readonly key: string;
  readonly compiled: CompiledPlan;
  readonly trigger: RunTrigger & PolicyTrigger;
  readonly contexts: RunContexts;
  /** Names the run's share of every question to policy. */
  readonly policyKey: string;
  /** Number of its namespace. */
  readonly namespace: number;
}

/** Runs and plans that this process has seen lately; the others are read when they are needed. */
export class RunEntries {
  readonly #plans = new Map<number, CompiledPlan>();
  readonly #runs = new Map<number, RunEntry>();

  add(
    run: {
      readonly id: number;
      readonly key: string;
      readonly attempt: number;
      readonly planId: number;
      readonly trigger: RunTrigger;
      readonly namespaceId: number;
    },
    compiled: CompiledPlan,
    policyKey?: string,
  ): RunEntry {
    const entry: RunEntry = {
      id: run.id,
      key: run.key,
      compiled,
      trigger: run.trigger,
      contexts: runContexts(compiled, run),
      policyKey: policyKey ?? runKey(compiled.plan, run.trigger),
      namespace: run.namespaceId,
    };
    remember(this.#plans, run.planId, compiled, PLANS_KEPT);
    remember(this.#runs, run.id, entry, RUNS_KEPT);
    return entry;
  }

  get(run: number): RunEntry | undefined {
    return this.#runs.get(run);
  }

  forget(run: number): void {
    this.#runs.delete(run);
  }

  /** Reads what is missing, in one query for the runs and one per unknown plan. */
  async load(session: Session, runs: Iterable<number>): Promise<void> {
    const missing = [...new Set(runs)].filter((run) => !this.#runs.has(run));
    if (missing.length === 0) return;
    for (const row of await loadRuns(session, missing)) {
      const compiled = this.#plans.get(row.planId) ?? compilePlan((await loadPlan(session, row.planId)).plan);
      this.add(row, compiled);
    }
  }
}

function remember<T>(map: Map<number, T>, key: number, value: T, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value as number);
}
