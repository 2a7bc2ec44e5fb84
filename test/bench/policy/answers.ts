import { localPrincipal } from '../../../src/base/principal.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openEmbedded } from '../../../src/store/embedded.ts';
import { openPostgres } from '../../../src/store/postgres.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { dropScratch, makeScratch } from '../scratch-database.ts';
import { percentile, rounded } from '../statistics.ts';

const NEXT_P95_MS_MAX = 250;
const CROWD = 1000;
const LEASE_WAIT_MS = 10_000;
const LOOK_MS = 5;

const PLAN = planOf([
  planStep('gate', { kind: 'gate', uses: 'approval', code: { uri: 'maestro:approval' }, with: {} }),
  planStep('next', { needs: ['gate'] }),
]);

/** From a person's answer to the lease of the step behind the gate; and a crowd that answers one gate at the same moment. */
export async function measureAnswers(kind: 'postgres' | 'pglite', count: number): Promise<object> {
  const database = await makeScratch(kind);
  const db = database.kind === 'postgres' ? await openPostgres(database.url) : await openEmbedded(database.folder);
  const engine = await openTestEngine(db);
  try {
    const times: number[] = [];
    const { workerId } = await engine.leases.register({ name: 'bench', runners: ['*'], capacity: 1 });
    for (let i = 0; i < count; i++) times.push(await nextAfterApproval(engine, workerId));
    const crowd = await answerAtOnce(engine);
    const sorted = times.toSorted((a, b) => a - b);
    const p95Ms = percentile(sorted, 95) ?? Number.NaN;
    return {
      approvals: count,
      approvalToLeaseP50Ms: rounded(percentile(sorted, 50), 1),
      approvalToLeaseP95Ms: rounded(p95Ms, 1),
      ...crowd,
      isWithin: p95Ms < NEXT_P95_MS_MAX && crowd.outcomes === 1,
    };
  } finally {
    await engine.close();
    await db.close();
    await dropScratch(database);
  }
}

async function nextAfterApproval(engine: Engine, workerId: number): Promise<number> {
  const run = await waitingRun(engine);
  const lease = engine.leases.acquire(workerId, 1, LEASE_WAIT_MS, new AbortController().signal);
  const begin = performance.now();
  await engine.answerGate(run, { decision: 'approve', reason: '', principal: localPrincipal('bo'), isAuthor: false });
  const [held] = await lease;
  const tookMs = performance.now() - begin;
  if (!held) throw new Error('the step behind the gate was not leased');
  await engine.leases.complete(workerId, [{ ...held, outcome: { kind: 'succeeded' } }], 0);
  return tookMs;
}

/** Half of them approve, half deny: one answer decides, the others come too late. */
async function answerAtOnce(engine: Engine): Promise<{ crowd: number; outcomes: number; crowdMs: number }> {
  const run = await waitingRun(engine);
  const begin = performance.now();
  const answers = await Promise.allSettled(
    Array.from({ length: CROWD }, (_, i) =>
      engine.answerGate(run, {
        decision: i % 2 === 0 ? 'approve' : 'deny',
        reason: '',
        principal: localPrincipal(`person-${i}`),
        isAuthor: false,
      }),
    ),
  );
  const crowdMs = Math.round(performance.now() - begin);
  return { crowd: CROWD, outcomes: answers.filter(({ status }) => status === 'fulfilled').length, crowdMs };
}

async function waitingRun(engine: Engine): Promise<number> {
  const { run } = await engine.startRun({ plan: PLAN, trigger: TRIGGER });
  while ((await engine.readRun(run)).steps[0]?.status !== 'held')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  return run;
}
