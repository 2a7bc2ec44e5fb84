import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { type Digest, digestBytes } from '../../../src/base/digest.ts';
import { localPrincipal } from '../../../src/base/principal.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease, LeaseClient } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { BUILT_IN_STEPS } from '../../../src/steps/built-in.ts';
import { stepExecutor } from '../../../src/worker/execute.ts';
import { runWorker } from '../../../src/worker/loop.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep, TRIGGER } from '../../fakes/plans.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { World } from '../engine/world.ts';
import { FarServer } from './far-server.ts';

const NEVER = new AbortController().signal;
const DONE: Outcome = { kind: 'succeeded' };
const FAILED: Outcome = { kind: 'failed', errorClass: 'step', exitCode: 1, message: 'it failed' };

/** A worker of one run, near or far, that has registered. */
interface Bound {
  readonly client: LeaseClient;
  readonly worker: number;
}

type Bind = (run: string, runnerClass?: string) => Promise<Bound>;

function contract(kind: string, bindTo: (world: World, server: FarServer) => Bind): void {
  onEveryDatabase(`a lease client ${kind}`, (url) => {
    let world: World;
    let drop: () => Promise<void>;
    let bind: Bind;
    const server = new FarServer();

    beforeAll(async () => {
      const fresh = await freshDatabase(url);
      drop = fresh.drop;
      world = await World.open(await fresh.open());
      await server.listen(world.engine, world.db);
      bind = bindTo(world, server);
    });
    afterAll(async () => {
      await server.close();
      await world.close();
      await world.db.close();
      await drop();
      expect(server.errors).toEqual([]);
    });

    const begin = async (steps: readonly PlanStep[]): Promise<{ run: number; key: string }> => {
      const run = await world.start(steps, { isDedicated: true });
      return { run, key: (await world.engine.readRun(run)).id };
    };
    const take = async ({ client, worker }: Bound): Promise<Lease> => {
      for (;;) {
        const [lease] = await client.acquire(worker, 1, 5000, NEVER);
        if (lease) return lease;
      }
    };
    const held = ({ stepId, fence }: Lease) => ({ stepId, fence });

    it('answers a session and leases whole steps', async () => {
      const { key } = await begin([planStep('a', { with: { run: 'true', shell: 'bash' } })]);
      const one = await bind(key);
      const lease = await take(one);
      expect(lease).toMatchObject({ runId: key, attempt: 1, step: { id: 'a', with: { run: 'true' } } });
      expect(lease.contexts.run).toBeDefined();
      const { answers } = await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
      expect(answers).toEqual(['recorded']);
    });

    it('is woken from its wait by a step that becomes ready, and answers empty when nothing does', async () => {
      const { run, key } = await begin([planStep('a'), planStep('b', { needs: ['a'] })]);
      const [one, other] = [await bind(key), await bind(key)];
      const lease = await take(one);
      expect(await other.client.acquire(other.worker, 1, 10, NEVER)).toEqual([]);
      const waiting = other.client.acquire(other.worker, 1, 20_000, NEVER);
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
      expect((await waiting).map(({ step }) => step.id)).toEqual(['b']);
      await world.engine.cancelRun(run, 'the test is over');
    });

    it('answers nothing when its caller gives up', async () => {
      const { key } = await begin([planStep('a')]);
      const one = await bind(key);
      const lease = await take(one);
      const patience = new AbortController();
      const waiting = [
        one.client.acquire(one.worker, 1, 20_000, patience.signal),
        one.client.signals(one.worker, 20_000, patience.signal),
      ];
      setImmediate(() => patience.abort());
      expect(await Promise.all(waiting)).toEqual([[], []]);
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
    });

    it('hands over what a completion made ready', async () => {
      const { run, key } = await begin([planStep('a'), planStep('b', { needs: ['a'] })]);
      const one = await bind(key);
      const lease = await take(one);
      const { leases } = await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 4);
      expect(leases.map(({ step }) => step.id)).toEqual(['b']);
      await world.engine.cancelRun(run, 'the test is over');
    });

    it('answers the same completion as before, and a stale one as lost', async () => {
      const { run, key } = await begin([planStep('a'), planStep('b')]);
      const one = await bind(key);
      const [a, b] = [await take(one), await take(one)];
      const stale = { stepId: a.stepId, fence: a.fence + 1, outcome: DONE };
      const complete = async (...completions: Parameters<LeaseClient['complete']>[1]) =>
        (await one.client.complete(one.worker, completions, 0)).answers;
      expect(await complete({ ...held(a), outcome: DONE }, stale)).toEqual(['recorded', 'lost']);
      expect(await complete({ ...held(b), outcome: FAILED })).toEqual(['recorded']);
      expect(await complete({ ...held(a), outcome: DONE }, { ...held(b), outcome: FAILED })).toEqual([
        'recorded',
        'recorded',
      ]);
      expect(await world.statuses(run)).toEqual({ a: 'succeeded', b: 'failed' });
    });

    it('says at renewal what is lost, and tells of a cancel', async () => {
      const { run, key } = await begin([planStep('a')]);
      const one = await bind(key);
      const lease = await take(one);
      const foreign = { stepId: lease.stepId, fence: lease.fence + 7 };
      expect(await one.client.renew(one.worker, [held(lease), foreign])).toEqual({ lost: [foreign] });
      const told = one.client.signals(one.worker, 20_000, NEVER);
      await world.engine.cancelRun(run, 'not needed');
      expect(await told).toEqual([{ type: 'cancel', ...held(lease) }]);
      await one.client.complete(one.worker, [{ ...held(lease), outcome: { kind: 'cancelled' } }], 0);
      await world.end(run);
    });

    it('stores each chunk of a log once, in order, and none of an attempt that is over', async () => {
      const { run, key } = await begin([planStep('a')]);
      const one = await bind(key);
      const lease = await take(one);
      const chunk = (seq: number, text: string) => ({ ...held(lease), seq, text });
      await one.client.appendLog(one.worker, [chunk(1, 'second ✓\n'), chunk(0, `${'long '.repeat(1000)}\n`)]);
      await one.client.appendLog(one.worker, [chunk(0, 'not this\n'), chunk(2, 'third\n')]);
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
      await expect(one.client.appendLog(one.worker, [chunk(3, 'late\n')])).rejects.toMatchObject({
        code: 'LEASE_LOST',
      });
      const lines: string[] = [];
      for await (const line of world.engine.readLogs(run, 'a', false, NEVER)) lines.push(line.text);
      expect(lines.join('')).toBe(`${'long '.repeat(1000)}\nsecond ✓\nthird\n`);
    });

    it('takes annotations and gives secrets while the lease is held', async () => {
      const { run, key } = await begin([planStep('a', { secrets: ['TOKEN'] })]);
      await world.engine
        .answerGate(run, {
          decision: 'approve',
          reason: 'a test',
          principal: localPrincipal('ada'),
          isAuthor: false,
        })
        .catch(() => {});
      const one = await bind(key);
      const lease = await take(one);
      await one.client.annotate(one.worker, held(lease), [
        { level: 'warning', message: 'careful', path: 'a.ts', startLine: 3 },
      ]);
      expect(await one.client.secrets(one.worker, held(lease))).toEqual({ TOKEN: 'value of TOKEN' });
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
      for (const late of [
        () => one.client.annotate(one.worker, held(lease), []),
        () => one.client.secrets(one.worker, held(lease)),
      ])
        await expect(late()).rejects.toMatchObject({ code: 'LEASE_LOST' });
      const [event] = (await world.events(run)).filter(({ type }) => type === 'step.annotated');
      expect(event?.data).toEqual({
        annotations: [{ level: 'warning', message: 'careful', path: 'a.ts', startLine: 3 }],
      });
    });

    it('keeps content by its digest and answers it whole', async () => {
      const { key } = await begin([planStep('a')]);
      const one = await bind(key);
      const lease = await take(one);
      const part = Buffer.alloc(300_000, 'artifact ');
      const content = async function* () {
        for (let i = 0; i < 10; i++) yield part;
      };
      const whole = Buffer.concat(Array.from({ length: 10 }, () => part));
      const stored = await one.client.putBlob(one.worker, held(lease), content());
      expect(stored).toEqual({ digest: digestBytes(whole), sizeBytes: whole.byteLength });
      const parts: Uint8Array[] = [];
      for await (const piece of await one.client.getBlob(one.worker, held(lease), stored.digest)) parts.push(piece);
      expect(digestBytes(Buffer.concat(parts))).toBe(stored.digest);
      await expect(one.client.getBlob(one.worker, held(lease), digestBytes('nothing'))).rejects.toMatchObject({
        code: 'ARTIFACT_NOT_FOUND',
      });
      const stale = { ...held(lease), fence: lease.fence + 1 };
      await expect(one.client.putBlob(one.worker, stale, content())).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
    });

    it('gives no repository what another one stored, though it knows the digest', async () => {
      const of = async (repository: string): Promise<{ one: Bound; lease: Lease }> => {
        const github = { repository_id: repository };
        const trigger = { ...TRIGGER, actor: { provider: 'github', id: 'ada' }, github };
        const run = await world.start([planStep('a')], { isDedicated: true, trigger });
        const one = await bind((await world.engine.readRun(run)).id);
        return { one, lease: await take(one) };
      };
      const read = async ({ one, lease }: Awaited<ReturnType<typeof of>>, digest: Digest): Promise<string> => {
        const parts: Uint8Array[] = [];
        for await (const part of await one.client.getBlob(one.worker, held(lease), digest)) parts.push(part);
        return Buffer.concat(parts).toString();
      };
      const [first, again, stranger] = [await of('11'), await of('11'), await of('12')];
      const secret = async function* () {
        yield Buffer.from(`private of ${kind}`);
      };
      const { digest } = await first.one.client.putBlob(first.one.worker, held(first.lease), secret());
      expect(await read(again, digest)).toBe(`private of ${kind}`);
      await expect(read(stranger, digest)).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
    });

    it('finds artifacts of the steps before, near and far, and of no other', async () => {
      const artifact = (name: string, path: string) => ({ name, path, digest: digestBytes(path), sizeBytes: 1 });
      const { run, key } = await begin([
        planStep('a'),
        planStep('b[1]', { base: 'b', needs: ['a'] }),
        planStep('b[2]', { base: 'b', needs: ['a'] }),
        planStep('aside', { needs: ['a'] }),
        planStep('c', { needs: ['b[1]', 'b[2]'] }),
      ]);
      const one = await bind(key);
      const end = async (lease: Lease): Promise<void> => {
        const own = artifact('app', `of ${lease.step.id}`);
        const outcome: Outcome = { kind: 'succeeded', artifacts: [own, artifact('log', 'log')] };
        await one.client.complete(one.worker, [{ ...held(lease), outcome }], 0);
      };
      for (let ended = 0; ended < 4; ended++) await end(await take(one));
      const last = await take(one);
      const find = async (wanted: { name: string; from?: string }) =>
        (await one.client.findArtifacts(one.worker, held(last), wanted)).map(({ step, path }) => [step, path]);
      expect(await one.client.findArtifacts(one.worker, held(last), { name: 'app', from: 'a' })).toEqual([
        { step: 'a', ...artifact('app', 'of a') },
      ]);
      expect(await find({ name: 'app' })).toEqual([
        ['a', 'of a'],
        ['b[1]', 'of b[1]'],
        ['b[2]', 'of b[2]'],
      ]);
      expect(await find({ name: 'app', from: 'b' })).toHaveLength(2);
      expect(await find({ name: 'app', from: 'b[2]' })).toEqual([['b[2]', 'of b[2]']]);
      expect(await find({ name: 'app', from: 'aside' })).toEqual([]);
      expect(await find({ name: 'other' })).toEqual([]);
      const stale = { ...held(last), fence: last.fence + 1 };
      await expect(one.client.findArtifacts(one.worker, stale, { name: 'app' })).rejects.toMatchObject({
        code: 'LEASE_LOST',
      });
      await end(last);
      expect((await world.end(run)).status).toBe('succeeded');
    });

    it('keeps results under a key', async () => {
      const { key } = await begin([planStep('a')]);
      const one = await bind(key);
      const lease = await take(one);
      const entry = { key: `key of ${key}`, outputs: { n: 1 }, artifacts: [], files: [] };
      expect(await one.client.cacheGet(one.worker, held(lease), entry.key)).toBeUndefined();
      await one.client.cachePut(one.worker, held(lease), entry, 60_000);
      expect(await one.client.cacheGet(one.worker, held(lease), entry.key)).toEqual({ ...entry, runId: key });
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
    });

    it('serves only the class and the run that it is bound to', async () => {
      const { run, key } = await begin([planStep('small'), planStep('big', { runner: 'gpu' })]);
      const other = await begin([planStep('elsewhere', { runner: 'gpu' })]);
      const one = await bind(key, 'gpu');
      expect((await one.client.acquire(one.worker, 8, 2000, NEVER)).map(({ step }) => step.id)).toEqual(['big']);
      expect(await one.client.acquire(one.worker, 8, 20, NEVER)).toEqual([]);
      await world.engine.cancelRun(run, 'over');
      await world.engine.cancelRun(other.run, 'over');
    });

    it('gives back what it holds when it leaves', async () => {
      const { run, key } = await begin([planStep('a')]);
      const [one, next] = [await bind(key), await bind(key)];
      const lease = await take(one);
      await one.client.leave(one.worker);
      const again = await take(next);
      expect(again).toMatchObject({ stepId: lease.stepId, fence: lease.fence + 1, attempt: 2 });
      await next.client.complete(next.worker, [{ ...held(again), outcome: DONE }], 0);
      expect((await world.end(run)).status).toBe('succeeded');
    });

    it('lets a real worker run real steps', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'maestro-far-'));
      const { run, key } = await begin([
        planStep('write', { with: { run: 'echo "greeting=hello" >> "$MAESTRO_OUTPUT"; echo written', shell: 'bash' } }),
        planStep('fail', {
          with: { run: 'echo broken; exit 3', shell: 'bash' },
          retry: { ...planStep('x').retry, max: 0 },
        }),
        planStep('read', { needs: ['write'], with: { run: 'echo read', shell: 'bash' } }),
      ]);
      const { client } = await bind(key);
      const stop = new AbortController();
      const working = runWorker({
        client: once(client),
        hello: { name: 'real', runners: ['*'], capacity: 2, run: key },
        execute: stepExecutor({
          client,
          steps: BUILT_IN_STEPS,
          repositoryRoot: folder,
          temporaryRoot: join(folder, 'temporary'),
          hostEnv: process.env,
          runnerName: 'test',
        }),
        clock: SYSTEM_CLOCK,
        signal: stop.signal,
      });
      try {
        const view = await world.end(run);
        expect(view.status).toBe('failed');
        expect(await world.statuses(run)).toEqual({ write: 'succeeded', fail: 'failed', read: 'succeeded' });
        const lines: string[] = [];
        for await (const line of world.engine.readLogs(run, undefined, false, NEVER)) lines.push(line.text);
        expect(lines.join('')).toContain('broken');
      } finally {
        stop.abort();
        await working;
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
}

const sessions = new WeakMap<LeaseClient, Awaited<ReturnType<LeaseClient['register']>>>();

/** The same client for a loop that registers: the session is the one that the test has already. */
function once(client: LeaseClient): LeaseClient {
  const session = sessions.get(client);
  return session ? { ...client, register: async () => session } : client;
}

contract('in process', (world) => async (run, runnerClass = '*') => {
  const client = { ...world.engine.leases };
  const hello = { name: 'near', runners: [runnerClass], capacity: 64, run };
  const session = await client.register(hello);
  sessions.set(client, session);
  return { client, worker: session.workerId };
});

contract('over HTTP', (_world, server) => async (run, runnerClass = '*') => {
  const client = server.client({ run, class: runnerClass });
  const session = await client.register({ name: 'far', runners: [runnerClass], capacity: 64, run });
  sessions.set(client, session);
  return { client, worker: session.workerId };
});
