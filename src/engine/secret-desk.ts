import { MaestroError } from '../base/errors.ts';
import type { SecretInput } from '../policy/input.ts';
import { policyFacts, policyStep } from '../policy/input-from-plan.ts';
import type { HeldLease } from '../protocol/lease.ts';
import type { Isolation } from '../protocol/outcome.ts';
import type { SecretRequest, SecretSource } from '../protocol/secret-source.ts';
import type { Database } from '../store/database.ts';
import { addSecretRelease } from '../store/secret-releases.ts';
import { addEvents } from '../store/settlements.ts';
import { stepAt } from './compiled-plan.ts';
import { assertOwner, entryOf, fenced } from './held-lease.ts';
import type { NamespacePolicy, Policies } from './policies.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';

export interface SecretDeskTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly policies: Policies;
  readonly secrets: SecretSource;
}

/**
 * Values of the secrets that a step names, to the worker that holds it. Policy is asked anew: what it said when the step became
 * ready may be hours old. That it was asked, and for which names, is written down before any value is read.
 * @throws LEASE_LOST, POLICY_DENIED, SECRET_NOT_FOUND
 */
export async function releaseSecrets(
  tools: SecretDeskTools,
  worker: { readonly id: number; readonly isolation: Isolation | null },
  held: HeldLease,
): Promise<Readonly<Record<string, string>>> {
  const { db, policies, secrets } = tools;
  await assertOwner(db, worker.id, held);
  const entry = await entryOf(tools, held);
  const step = stepAt(entry.compiled, fenced(held).idx);
  if (step.secrets.length === 0) return {};
  const policy = (await policies.load(db, [entry.namespace])).get(entry.namespace);
  if (!policy) throw new MaestroError('INTERNAL', `run ${entry.key} has no policy`);
  const input: SecretInput = {
    phase: 'secret',
    ...policyFacts(entry.compiled.plan, entry.trigger),
    step: policyStep(step, []),
    secret: { isolation: worker.isolation },
  };
  const { policy: rules, decisionIds } = policy.inForce;
  const decision = rules.evaluate(input);
  if (decision.verdict !== 'allow') throw new MaestroError('POLICY_DENIED', decision.reasons.join('; '));
  await decisionIds.resolve(db, [{ decision, input: () => input }]);
  await note(db, held, step.secrets, decisionIds.of(decision));
  return secrets.read(requestOf(entry, policy, step));
}

async function note(db: Database, held: HeldLease, names: readonly string[], decisionId: number): Promise<void> {
  const step = fenced(held);
  await db.transaction(async (session) => {
    if (!(await addSecretRelease(session, step, names, decisionId))) return;
    const data = { names: [...names] };
    await addEvents(session, [{ run: step.run, idx: step.idx, type: 'secrets.released', attempt: null, data }]);
  });
}

function requestOf(entry: RunEntry, policy: NamespacePolicy, step: ReturnType<typeof stepAt>): SecretRequest {
  const { github, source } = entry.trigger;
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    names: step.secrets,
    namespace: policy.owner,
    repository: textOf(github.repository),
    repositoryId: textOf(github.repository_id),
    ref: source.ref,
    environment: step.environment ?? null,
    run: entry.key,
    step: step.base,
    runner: step.runner,
  };
}
