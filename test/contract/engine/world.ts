import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { Engine } from '../../../src/engine/engine.ts';
import type { EngineOptions } from '../../../src/engine/engine-options.ts';
import type { Plan, PlanStep } from '../../../src/pipeline/plan.ts';
import { mergePatch } from '../../../src/policy/merge-patch.ts';
import type { StartRun } from '../../../src/protocol/client.ts';
import type { RunEvent } from '../../../src/protocol/event.ts';
import type { CompletionAnswer, Lease } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { RunView, StepView } from '../../../src/protocol/run.ts';
import { type VerifiedReceipt, verifyReceipt } from '../../../src/provenance/verify.ts';
import type { Database, Row } from '../../../src/store/database.ts';
import { openTestEngine, realPolicy } from '../../fakes/engine.ts';
import { planOf, TRIGGER } from '../../fakes/plans.ts';

const LEASE_WAIT_MS = 5000;
/** Long enough for what is in flight to arrive, short enough to prove again and again that nothing does. */
const NOTHING_MS = 25;
const END_WAIT_MS = 20_000;

/** An engine on a real store, the workers of a test, and everything that must hold of every run that ends. */
export class World {
  readonly db: Database;
  readonly folder: string;
  readonly engine: Engine;
  readonly workers: TestWorker[] = [];
  readonly errors: unknown[];
  /** Somebody else answers what waits for people. */
  isPatient = false;

  static async open(db: Database, change: Partial<EngineOptions> = {}): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'maestro-world-'));
    const errors: unknown[] = [];
    const engine = await openTestEngine(db, {
      onError: (error) => errors.push(error),
      times: { renewEveryMs: 10_000, expireAfterMs: 30_000, sweepEveryMs: 60_000 },
      ...change,
    });
    return new World(db, engine, folder, errors);
  }

  private constructor(db: Database, engine: Engine, folder: string, errors: unknown[]) {
    this.db = db;
    this.engine = engine;
    this.folder = folder;
    this.errors = errors;
  }

  async close(): Promise<void> {
    await this.engine.close();
    await rm(this.folder, { recursive: true, force: true });
    assert.deepEqual(this.errors, [], 'background work fails');
  }

  /** What a failed test left behind must not reach the next one. */
  async tidy(): Promise<void> {
    const rows = await this.sql('select id from run where state < 3');
    for (const [id] of rows) await this.engine.cancelRun(Number(id), 'the test is over');
    for (const worker of this.workers.splice(0)) await worker.leave();
  }

  async start(plan: Plan | readonly PlanStep[], change: Partial<StartRun> = {}): Promise<number> {
    return (await this.engine.startRun({ plan: asPlan(plan), trigger: TRIGGER, ...change })).run;
  }

  async worker(change: { runners?: readonly string[]; run?: string; name?: string } = {}): Promise<TestWorker> {
    const worker = await TestWorker.register(this.engine, change);
    this.workers.push(worker);
    return worker;
  }

  async step(run: number, id: string): Promise<StepView> {
    const found = (await this.engine.readRun(run)).steps.find((step) => step.id === id);
    if (!found) throw new Error(`no step ${id}`);
    return found;
  }

  async statuses(run: number): Promise<Record<string, string>> {
    const view = await this.engine.readRun(run);
    return Object.fromEntries(view.steps.map((step) => [step.id, step.status]));
  }

  /** Waits until the run has ended, and checks what every run that ended must satisfy: a receipt that a stranger accepts. */
  async end(run: number): Promise<RunView> {
    await this.ended(run);
    const receipt = await this.engine.readReceipt(run);
    const verified = verifyReceipt({
      bundle: Buffer.from(receipt.bundle),
      key: receipt.publicKey,
      runRecord: Buffer.from(receipt.runRecord),
    });
    const view = await this.engine.readRun(run);
    agree(verified, view);
    orderly(await this.events(run), view);
    return view;
  }

  private async ended(run: number): Promise<void> {
    const limit = AbortSignal.timeout(END_WAIT_MS);
    let answer = await this.engine.waitForRun(run, limit);
    for (; answer === 'waiting' && this.isPatient && !limit.aborted; answer = await this.engine.waitForRun(run, limit))
      await new Promise((resolve) => setTimeout(resolve, 20));
    if (answer === 'ended') return;
    const seen = (await this.engine.readRun(run)).steps.map(
      (step) => `${step.id}: ${step.status} ${step.hold?.kind ?? ''}`,
    );
    throw new Error(`expected the run to end, but it is ${answer}; ${seen.join(', ')}`);
  }

  /** All events of a run that is over. */
  async events(run: number): Promise<readonly RunEvent[]> {
    const events: RunEvent[] = [];
    for await (const event of this.engine.followRun(run, 0, AbortSignal.timeout(END_WAIT_MS))) events.push(event);
    return events;
  }

  sql(text: string): Promise<readonly Row[]> {
    return this.db.query('', text, []);
  }

  /** Moves the clock: what was to fire later is due now. */
  async timeout(run: number): Promise<void> {
    await this.sql(`update timer set due_at = now() - interval '1 second' where run_id = ${run}`);
    await this.engine.resumeRun(run);
  }

  /** Resolves when the step is in a state; the engine works in the background meanwhile. */
  async until(run: number, id: string, status: StepView['status']): Promise<StepView> {
    for (let tries = 0; tries < 500; tries++) {
      const step = await this.step(run, id);
      if (step.status === status) return step;
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    throw new Error(`expected ${id} to be ${status}, but it is ${(await this.step(run, id)).status}`);
  }
}

function agree(verified: VerifiedReceipt, view: RunView): void {
  const { predicate } = verified.statement;
  expect(predicate.run).toMatchObject({ id: view.id, status: view.status, attempt: view.attempt });
  expect(view.receipt).toEqual({ status: 'signed', payloadSha256: verified.payloadSha256 });
  expect(predicate.steps.map((step) => [step.id, step.status])).toEqual(
    view.steps.map((step) => [step.id, step.status]),
  );
}

/** Facts are numbered without gaps, and nothing starts before what it needs has ended. */
function orderly(events: readonly RunEvent[], view: RunView): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
  expect(events.at(-1)?.type).toBe('receipt.signed');
  const told = new Set(events.map((event) => event.step));
  const over = new Set<string | null>();
  const needs = new Map(view.steps.map((step) => [step.id, step.needs]));
  for (const { type, step } of events) {
    if (step === null) continue;
    // A result that a retry carried over has no event of its own.
    const open = (needs.get(step) ?? []).filter((need) => told.has(need) && !over.has(need));
    if (type === 'step.started' && open.length > 0) throw new Error(`${step} started before ${open.join()} was over`);
    if (ENDS.has(type)) {
      expect(over.has(step), `${step} ends once`).toBe(false);
      over.add(step);
    }
  }
}

const ENDS = new Set<string>(['step.succeeded', 'step.failed', 'step.skipped', 'step.cancelled', 'step.denied']);

function asPlan(plan: Plan | readonly PlanStep[]): Plan {
  return 'steps' in plan ? plan : planOf(plan);
}

export const DONE: Outcome = { kind: 'succeeded' };
export const FAILED: Outcome = { kind: 'failed', errorClass: 'step', exitCode: 1, message: 'it failed' };

export function failure(errorClass: NonNullable<Outcome['errorClass']>): Outcome {
  return { kind: 'failed', errorClass, message: `failed by ${errorClass}` };
}

/** A worker that does what the test says. */
export class TestWorker {
  readonly engine: Engine;
  readonly id: number;

  static async register(
    engine: Engine,
    change: { runners?: readonly string[]; run?: string; name?: string } = {},
  ): Promise<TestWorker> {
    const session = await engine.leases.register({
      name: `test-${randomBytes(4).toString('hex')}`,
      runners: ['*'],
      capacity: 64,
      ...change,
    });
    return new TestWorker(engine, session.workerId);
  }

  private constructor(engine: Engine, id: number) {
    this.engine = engine;
    this.id = id;
  }

  /** Leases exactly the steps of these ids, in any order. */
  async lease(...ids: readonly string[]): Promise<Lease[]> {
    const found: Lease[] = [];
    for (const until = Date.now() + LEASE_WAIT_MS; found.length < ids.length && Date.now() < until; )
      found.push(
        ...(await this.engine.leases.acquire(this.id, ids.length - found.length, 500, new AbortController().signal)),
      );
    assert.deepEqual(found.map((one) => one.step.id).sort(), [...ids].sort());
    return ids.map((id) => found.find((one) => one.step.id === id) as Lease);
  }

  async take(id: string): Promise<Lease> {
    const [lease] = await this.lease(id);
    return lease as Lease;
  }

  async nothing(): Promise<void> {
    const leases = await this.engine.leases.acquire(this.id, 10, NOTHING_MS, new AbortController().signal);
    assert.deepEqual(
      leases.map((one) => one.step.id),
      [],
    );
  }

  async complete(lease: Pick<Lease, 'stepId' | 'fence'>, outcome: Outcome = DONE): Promise<CompletionAnswer> {
    const { stepId, fence } = lease;
    const { answers } = await this.engine.leases.complete(this.id, [{ stepId, fence, outcome }], 0);
    return answers[0] as CompletionAnswer;
  }

  /** Leases the step and ends it. */
  async run(id: string, outcome: Outcome = DONE): Promise<Lease> {
    const lease = await this.take(id);
    assert.equal(await this.complete(lease, outcome), 'recorded');
    return lease;
  }

  async leave(): Promise<void> {
    await this.engine.leases.leave(this.id);
  }
}

/** Rules with data of one's own, over which a namespace may say something else. */
export async function rulesWith(data: JsonObject): Promise<Pick<EngineOptions, 'policy' | 'openPatched'>> {
  const policy = await realPolicy(data);
  const openPatched = async (patch: JsonObject) => realPolicy(mergePatch(policy.data, patch) as JsonObject);
  return { policy, openPatched };
}

export async function policyWith(data: JsonObject) {
  return realPolicy(data);
}
