import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import type { MaestroError } from '../../../src/base/errors.ts';
import { byWeight } from '../../../src/engine/by-weight.ts';
import {
  ANNOTATION_CALLS_MAX,
  CACHE_SAVES_MAX,
  LOG_BYTES_MAX,
  RUN_OUTCOME_BYTES_MAX,
} from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { HeldLease, Lease } from '../../../src/protocol/lease.ts';
import { ARTIFACTS_MAX, type Artifact, OUTPUT_BYTES_MAX, type Outcome } from '../../../src/protocol/outcome.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { openFileBlobs } from '../../../src/store/blobs.ts';
import { runWorker } from '../../../src/worker/loop.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { DONE, type TestWorker, World } from './world.ts';

const NO_RETRY = { retry: { ...planStep('x').retry, max: 0 } };
const step = (id: string, change: Partial<PlanStep> = {}): PlanStep => planStep(id, { ...NO_RETRY, ...change });
const steps = (count: number): PlanStep[] => Array.from({ length: count }, (_, i) => step(`s${i}`));
/** A megabyte of small numbers. */
const HEAVY: Outcome = { kind: 'succeeded', outputs: { list: Array.from({ length: 500_000 }, () => 0) } };
const LARGE: Outcome = { kind: 'succeeded', outputs: { text: 'x'.repeat(1_000_000) } };
/** Tiny objects take more than twenty times their text in memory. */
const MANY_PARTS: Outcome = { kind: 'succeeded', outputs: { list: Array.from({ length: 300_000 }, () => ({})) } };
const held = ({ stepId, fence }: HeldLease): HeldLease => ({ stepId, fence });

onEveryDatabase('what workers may leave behind', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let worker: TestWorker;
  let folder: string;
  let blobs: string;
  let isSignerAway = false;

  beforeEach(async () => {
    fresh = await freshDatabase(url);
    folder = await mkdtemp(join(tmpdir(), 'maestro-limits-'));
    blobs = join(folder, 'blobs');
    await mkdir(blobs);
    const signer = await openLocalSigner(join(folder, 'key.pem'));
    const sign = async (bytes: Uint8Array): Promise<Uint8Array> => {
      if (isSignerAway) throw new Error('no key today');
      return signer.sign(bytes);
    };
    const far = { publicKeyPem: signer.publicKeyPem, keyHint: signer.keyHint, sign };
    world = await World.open(await fresh.open(), { blobs: openFileBlobs(blobs), signer: far });
    worker = await world.worker();
  });
  afterEach(async () => {
    await world.close();
    await world.db.close();
    await fresh.drop();
    await rm(folder, { recursive: true });
  });

  const complete = (lease: Lease, outcome: Outcome) => worker.complete(lease, outcome);
  const refuse = (lease: Lease, outcome: Outcome) =>
    expect(worker.complete(lease, outcome)).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  /** The steps of a run have left so much that there is room for so many bytes. */
  const fill = (run: number, left: number) =>
    world.sql(`insert into run_share values (${run}, ${RUN_OUTCOME_BYTES_MAX - left}, 0)
      on conflict (run_id) do update set bytes = excluded.bytes`);

  it('ends a step as failed whose outcome is refused, and its run with a receipt', async () => {
    const run = await world.start([step('a'), step('b', { needs: ['a'] })]);
    const ended = world.end(run);
    const { client, hello } = { client: world.engine.leases, hello: { name: 'w', runners: ['*'], capacity: 2 } };
    const stop = new AbortController();
    await worker.leave();
    const working = runWorker({
      client,
      hello,
      execute: () => ({ kind: 'succeeded', exitCode: 0, outputs: { text: 'x'.repeat(OUTPUT_BYTES_MAX) } }),
      clock: SYSTEM_CLOCK,
      signal: stop.signal,
    });
    expect((await ended).status).toBe('failed');
    stop.abort();
    await working;
    const { status, reason } = await world.step(run, 'a');
    expect([status, reason]).toEqual([
      'failed',
      `the conductor refused the outcome: expected outputs of at most ${OUTPUT_BYTES_MAX} bytes`,
    ]);
  });

  it('refuses what all steps of a run together cannot keep, and lets each of them fail', async () => {
    const run = await world.start(steps(4));
    const [a, b, c, d] = (await worker.lease('s0', 's1', 's2', 's3')) as [Lease, Lease, Lease, Lease];
    expect(await complete(a, HEAVY)).toBe('recorded');
    await fill(run, 900_000);
    await refuse(b, HEAVY);
    // A step that has room takes nothing from it when its outcome is sent again.
    for (let times = 0; times < 3; times++) expect(await complete(a, HEAVY)).toBe('recorded');
    await fill(run, 1_100_000);
    expect(await complete(c, LARGE)).toBe('recorded');
    const long = 'why it failed '.repeat(200);
    const failed: Outcome = { kind: 'failed', errorClass: 'step', message: long };
    await world.sql(`update run_share set bytes = 99999999, receipt_bytes = 999999999 where run_id = ${run}`);
    const { answers } = await world.engine.leases.complete(
      worker.id,
      [b, d].map((lease) => ({ ...held(lease), outcome: failed })),
      0,
    );
    expect(answers).toEqual(['recorded', 'recorded']);
    const view = await world.end(run);
    const reasons = view.steps.map(({ reason }) => reason);
    expect([reasons[0], reasons[2]]).toEqual([null, null]);
    for (const reason of [reasons[1], reasons[3]]) expect(long.startsWith(reason?.replace('…', '') ?? '?')).toBe(true);
  });

  it('has room for 32 of the largest outputs, whatever they are made of, and says how much is left', {
    timeout: 60_000,
  }, async () => {
    const run = await world.start(steps(38));
    const leases = await worker.lease(...steps(38).map(({ id }) => id));
    const list = Array.from({ length: OUTPUT_BYTES_MAX / 2 - 6 }, () => 0);
    const full: Outcome = {
      kind: 'succeeded',
      outputs: { list },
      log: { digest: digestBytes('log'), sizeBytes: 1, isTruncated: false },
    };
    for (const lease of leases.slice(0, 32)) expect(await complete(lease, full)).toBe('recorded');
    const rest = leases.slice(32);
    const refusals: string[] = [];
    for (const lease of rest) {
      const answer = await complete(lease, full).catch((error: MaestroError) => error.message);
      if (answer === 'recorded') continue;
      refusals.push(answer);
      await complete(lease, { kind: 'failed', errorClass: 'step', message: answer });
    }
    expect(refusals[0]).toMatch(
      /^all steps of the run may leave outputs of 37748736 bytes, of which \d{1,7} are left: /,
    );
    await world.end(run);
  });

  it('counts outputs of very many small parts for more than their text', async () => {
    const run = await world.start(steps(2));
    const [a, b] = (await worker.lease('s0', 's1')) as [Lease, Lease];
    await fill(run, 2_500_000);
    await refuse(a, MANY_PARTS);
    await fill(run, 3_000_000);
    expect(await complete(a, MANY_PARTS)).toBe('recorded');
    await complete(b, DONE);
    await world.end(run);
  });

  it('counts the largest outcome of a step’s attempts once', async () => {
    const run = await world.start([planStep('a'), step('b')]);
    const [first, lease] = (await worker.lease('a', 'b')) as [Lease, Lease];
    const failed = { ...HEAVY, kind: 'failed', errorClass: 'infra' } as const;
    expect(await complete(first, failed)).toBe('recorded');
    await worker.run('a', failed);
    await worker.run('a', DONE);
    expect(await world.sql('select bytes > 1000000, bytes < 1001000 from run_share')).toEqual([[true, true]]);
    await fill(run, 900_000);
    await refuse(lease, HEAVY);
    await fill(run, 1_100_000);
    expect(await complete(lease, LARGE)).toBe('recorded');
    await world.end(run);
  });

  it('keeps remarks out rather than refuse a step for them', async () => {
    const run = await world.start(steps(2));
    const [a, b] = (await worker.lease('s0', 's1')) as [Lease, Lease];
    await complete(a, HEAVY);
    await fill(run, 432);
    const annotations = Array.from({ length: 40 }, (_, i) => ({ level: 'notice' as const, message: `remark ${i}` }));
    expect(await complete(b, { kind: 'succeeded', annotations })).toBe('recorded');
    expect((await world.step(run, 's1')).annotations).toEqual([
      { level: 'notice', message: '40 more annotations are in the log only' },
    ]);
    await world.end(run);
  });

  it('carries the room that kept results take into a retry', async () => {
    const run = await world.start([step('a'), step('b')]);
    await worker.run('a', HEAVY);
    await worker.run('b', { kind: 'failed', errorClass: 'step' });
    await world.end(run);
    await world.sql(`update outcome_share set bytes = ${RUN_OUTCOME_BYTES_MAX - 500_000}`);
    const again = await world.engine.retryRun(run, { type: 'failed' });
    const lease = await worker.take('b');
    await refuse(lease, HEAVY);
    expect(await complete(lease, DONE)).toBe('recorded');
    expect((await world.end(again)).status).toBe('succeeded');
  });

  it('makes receipts of runs with tens of thousands of artifacts', { timeout: 120_000 }, async () => {
    const run = await world.start(steps(5));
    const artifacts = Array.from(
      { length: ARTIFACTS_MAX },
      (_, i): Artifact => ({
        name: 'site',
        path: `assets/pages/chapter-${i}/index.html`,
        digest: digestBytes(`${i}`),
        sizeBytes: 123_456,
      }),
    );
    const answers: string[] = [];
    for (const lease of await worker.lease('s0', 's1', 's2', 's3', 's4')) {
      const answer = await worker.complete(lease, { kind: 'succeeded', artifacts }).catch((error) => error.code);
      if (answer !== 'recorded') await complete(lease, { kind: 'failed', errorClass: 'step', message: answer });
      answers.push(answer);
    }
    expect(answers).toEqual(['recorded', 'recorded', 'recorded', 'recorded', 'OUTPUT_TOO_LARGE']);
    expect((await world.end(run)).status).toBe('failed');
  });

  it('says of a receipt how a step was kept apart as its worker said when it registered', async () => {
    const { leases } = world.engine;
    const hello = { name: 'honest?', runners: ['*'], capacity: 1, isolation: 'process' as const };
    const { workerId } = await leases.register(hello);
    await worker.leave();
    const run = await world.start([step('a')]);
    const [lease] = await leases.acquire(workerId, 1, 5000, new AbortController().signal);
    await leases.complete(workerId, [{ ...held(lease as Lease), outcome: { ...DONE, isolation: 'container' } }], 0);
    await world.end(run);
    const { runRecord } = await world.engine.readReceipt(run);
    expect(JSON.parse(runRecord)).toMatchObject({ steps: [{ runner: { isolation: 'process' } }] });
  });

  it('tells once of a receipt that cannot be made, and makes those of all others', async () => {
    const broken = await world.start([step('a')]);
    await worker.run('a');
    await world.end(broken);
    // As a version with other limits could have left it.
    await world.sql(`delete from receipt where run_id = ${broken}`);
    await world.sql(`update step set outcome = jsonb_build_object('artifacts', (select jsonb_agg(jsonb_build_object(
      'name', 'x', 'path', repeat('p', 200) || i, 'digest', '${digestBytes('x')}', 'sizeBytes', 1)) from generate_series(1, 40000) i))
      where run_id = ${broken}`);
    await world.sql(`insert into outbox (kind, run_id) values (2, ${broken})`);
    const sound = await world.start([step('b')]);
    await worker.run('b');
    await world.end(sound);
    await expect(world.engine.waitForRun(broken, AbortSignal.timeout(5000))).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
    await world.engine.resumeRun(broken);
    const told = world.errors.splice(0);
    expect(told).toMatchObject([{ code: 'FILE_TOO_LARGE', message: expect.stringContaining('once a day') }]);
    const [[waits]] = (await world.sql(
      `select due_at > now() + interval '23 hours' from outbox where kind = 2 and run_id = ${broken}`,
    )) as [[boolean]];
    expect(waits).toBe(true);
  });

  it('tells once of a signer that fails, asks it ever more seldom, and makes the receipt when it works again', async () => {
    isSignerAway = true;
    const run = await world.start([step('a')]);
    await worker.run('a');
    await expect(world.engine.waitForRun(run, AbortSignal.timeout(5000))).rejects.toThrow('no key today');
    const waits: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const due = `extract(epoch from due_at - now())::float8 as s from outbox where kind = 2 and run_id = ${run}`;
      waits.push(Math.round(Number((await world.sql(`select ${due}`))[0]?.[0])));
      await world.sql(`update outbox set due_at = now() where kind = 2 and run_id = ${run}`);
      await world.engine.seal();
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600]);
    expect(world.errors.splice(0)).toMatchObject([{ code: 'UNAVAILABLE' }]);
    isSignerAway = false;
    await world.engine.resumeRun(run);
    expect((await world.end(run)).status).toBe('succeeded');
  });

  it('loads runs together only as far as memory holds them, and one that is larger alone', async () => {
    await world.sql('insert into run_share select id, id * 10000000, 0 from generate_series(1, 4) as id');
    const items = [1, 2, 4, 4, 3, 7, 8].map((run) => ({ run }));
    const parts = await byWeight(world.db, items);
    expect(parts.map((part) => part.map(({ run }) => run))).toEqual([
      [1, 2],
      [4, 4],
      [3, 7, 8],
    ]);
    expect(await byWeight(world.db, [{ run: 7 }, { run: 8 }])).toEqual([[{ run: 7 }, { run: 8 }]]);
  });

  it('stores no more of a log than one attempt may write, and each chunk once', async () => {
    await world.start([step('a')]);
    const lease = await worker.take('a');
    const { leases } = world.engine;
    const write = (seq: number) => leases.appendLog(worker.id, [{ ...held(lease), seq, text: 'x'.repeat(1_048_576) }]);
    for (let seq = 0; seq < LOG_BYTES_MAX / 1_048_576; seq++) {
      await write(seq);
      await write(seq);
    }
    await expect(write(17)).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await write(3);
    expect(await world.sql('select count(*)::int, sum(size_bytes)::int from log_chunk')).toEqual([[17, LOG_BYTES_MAX]]);
    expect(await complete(lease, DONE)).toBe('recorded');
  });

  it('takes remarks while a step runs as far as an attempt may make them', async () => {
    await world.start([step('a')]);
    const lease = await worker.take('a');
    const remark = (message: string) =>
      world.engine.leases.annotate(worker.id, held(lease), [{ level: 'notice', message }]);
    await remark('x'.repeat(400_000));
    await expect(remark('x'.repeat(400_000))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await world.sql(`update attempt_usage set count = ${ANNOTATION_CALLS_MAX}`);
    await expect(remark('x')).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect(await world.sql('select count(*)::int from event where kind = 23')).toEqual([[1]]);
    await complete(lease, DONE);
  });

  it('keeps a few results of one attempt, and none that no step could have', async () => {
    await world.start([step('a')]);
    const lease = await worker.take('a');
    const save = (key: string, outputs = {}) =>
      world.engine.leases.cachePut(worker.id, held(lease), { key, outputs, artifacts: [], files: [] }, 60_000);
    await expect(save('k', LARGE.outputs && { a: LARGE.outputs, b: LARGE.outputs })).rejects.toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
    });
    for (let i = 0; i < CACHE_SAVES_MAX; i++) await save(`key ${i}`);
    await expect(save('one more')).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect(await world.sql('select count(*)::int from cache_entry')).toEqual([[CACHE_SAVES_MAX]]);
    await complete(lease, DONE);
  });

  it('removes results whose time is over or that are too many, what was counted for runs that are over, and drafts of the dead', async () => {
    const run = await world.start([step('a')]);
    const lease = await worker.take('a');
    const save = (key: string, ttlMs: number) =>
      world.engine.leases.cachePut(worker.id, held(lease), { key, outputs: {}, artifacts: [], files: [] }, ttlMs);
    await save('over', -1000);
    for (const key of ['old', 'new', 'newest']) await save(key, 60_000);
    // Together more than a repository may keep: the oldest goes.
    await world.sql(`update cache_entry set size_bytes = 500000000, created_at = now() - case
      when key like '% old' then interval '3 hours' when key like '% new' then interval '2 hours' else interval '0' end`);
    await complete(lease, DONE);
    await world.end(run);
    for (const name of ['draft-dead', 'draft-alive']) await writeFile(join(blobs, name), 'half');
    await utimes(join(blobs, 'draft-dead'), new Date(0), new Date(0));
    await world.engine.resumeRun(run);
    const keys = (await world.sql('select key from cache_entry order by created_at')).map(([key]) => String(key));
    expect(keys.map((key) => key.split(' ').at(-1))).toEqual(['new', 'newest']);
    expect(await world.sql('select 1 from attempt_usage')).toEqual([]);
    expect((await readdir(blobs)).filter((name) => name.startsWith('draft'))).toEqual(['draft-alive']);
  });
});
