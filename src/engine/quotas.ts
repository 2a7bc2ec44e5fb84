import { MaestroError } from '../base/errors.ts';
import type { Decision, Obligation } from '../policy/decision.ts';
import { runInput } from '../policy/input-from-plan.ts';
import type { Quotas } from '../protocol/quota.ts';
import type { Database } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import { loadRuns } from '../store/run-rows.ts';
import type { Policies } from './policies.ts';
import type { RunEntries } from './run-entry.ts';

export interface QuotaTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly policies: Policies;
}

/**
 * What policy lets the namespace of a run have at once. By the rules of today: a quota that is raised helps whoever waits. A
 * run that they would not admit any more was admitted all the same, within what was said then.
 * @throws RUN_NOT_FOUND, and POLICY_INVALID where rules oblige to something that is no quota
 */
export async function quotasOf({ db, entries, policies }: QuotaTools, run: number): Promise<Quotas> {
  await entries.load(db, [run]);
  const entry = entries.get(run);
  const policy = entry && (await policies.load(db, [entry.namespace])).get(entry.namespace);
  if (!policy) throw new MaestroError('RUN_NOT_FOUND', `run ${run} is not in the database`);
  const question = () => runInput(entry.compiled.plan, entry.trigger);
  const today = policy.inForce.policy.evaluateKeyed(`run ${entry.policyKey}`, question);
  return readQuotas(today.verdict === 'deny' ? await admissionOf(db, run) : today.obligations);
}

async function admissionOf(db: Database, run: number): Promise<readonly Obligation[]> {
  const [row] = await loadRuns(db, [run]);
  const id = row?.decisionId ?? null;
  return id === null ? [] : ((await loadDecisions(db, [id])).get(id)?.decision.obligations ?? []);
}

/** The least of several counts. */
export function readQuotas(obligations: Decision['obligations']): Quotas {
  let runsMax: number | null = null;
  const jobsMax = new Map<string, number>();
  for (const { type, value } of obligations) {
    if (type === 'runs-max') runsMax = Math.min(runsMax ?? Number.POSITIVE_INFINITY, countOf(type, value, value));
    if (type !== 'jobs-max') continue;
    const [, runnerClass = '', count] = /^(.+)=(\d{1,9})$/.exec(String(value)) ?? [];
    const max = countOf(type, value, count === undefined ? count : Number(count));
    jobsMax.set(runnerClass, Math.min(jobsMax.get(runnerClass) ?? max, max));
  }
  return { runsMax, jobsMax };
}

function countOf(type: string, value: Obligation['value'], count: unknown): number {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count;
  const expected = type === 'runs-max' ? 'a whole number' : 'CLASS=NUMBER';
  throw new MaestroError('POLICY_INVALID', `policy obliges to ${type} ${JSON.stringify(value)}, expected ${expected}`);
}
