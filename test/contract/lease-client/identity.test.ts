import { afterAll, beforeAll, expect, it } from 'vitest';
import { openIssuerKeys } from '../../../src/auth/issuer-keys.ts';
import { admitDispatchedJob } from '../../../src/auth/job-admission.ts';
import { verifyJobToken } from '../../../src/auth/verify-job-token.ts';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { Dispatches } from '../../../src/protocol/dispatch.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { openDispatches } from '../../../src/store/dispatches.ts';
import { type HttpLeaseClient, openHttpLeaseClient } from '../../../src/worker/http-lease-client.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { NO_QUOTAS } from '../../fakes/job-quotas.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { TestIssuer } from '../../unit/auth/issuer.ts';
import { World } from '../engine/world.ts';
import { FarServer } from './far-server.ts';

const NEVER = new AbortController().signal;
const nowS = (): number => Math.floor(Date.now() / 1000);

onEveryDatabase('a job at a server with real identities and real dispatches', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let issuer: TestIssuer;
  let dispatches: Dispatches;
  const server = new FarServer();

  beforeAll(async () => {
    fresh = await freshDatabase(url);
    world = await World.open(await fresh.open());
    issuer = await TestIssuer.open();
    dispatches = openDispatches(world.db, SYSTEM_CLOCK);
    const keys = openIssuerKeys(issuer.url, fetch);
    const expected = { issuer: issuer.url, audience: 'https://maestro.example.com', keys, clock: SYSTEM_CLOCK };
    await server.listen(world.engine, world.db, {
      verifyJobToken: (token) => verifyJobToken(token, expected),
      admission: {
        admit: async (identity, dispatchId, key) => {
          const job = await admitDispatchedJob(dispatches, identity, dispatchId, key);
          return {
            run: job.runId,
            class: job.class,
            checkout: { owner: job.owner, repo: job.repo, sha: identity.sha },
          };
        },
        start: async () => {
          throw new MaestroError('PIPELINE_NOT_FOUND', 'no pipelines here');
        },
      },
    });
  });
  afterAll(async () => {
    await server.close();
    await issuer.close();
    await world.close();
    await world.db.close();
    await fresh.drop();
  });

  let ordinal = 0;
  const dispatch = async (runId: string, runnerClass: string): Promise<string> => {
    const dispatchId = `dispatch-${++ordinal}`;
    await dispatches.request(
      {
        dispatchId,
        runId,
        class: runnerClass,
        ordinal,
        labels: ['self-hosted'],
        installationId: 1,
        repositoryId: 74,
        owner: 'ada',
        repo: 'engine',
        ref: 'main',
      },
      NO_QUOTAS,
    );
    return dispatchId;
  };
  const job = (dispatchId: string, claims: Record<string, unknown> = {}): HttpLeaseClient =>
    openHttpLeaseClient({
      url: server.url,
      register: async () => ({
        ...server.hello(dispatchId),
        identityToken: await issuer.sign(nowS(), { claims: { run_id: String(1000 + ordinal), ...claims } }),
      }),
    });
  const begin = async (): Promise<{ run: number; key: string }> => {
    const run = await world.start([planStep('small'), planStep('big', { runner: 'gpu' })], { isDedicated: true });
    return { run, key: (await world.engine.readRun(run)).id };
  };

  it('registers once per attempt, and again after a re-run', async () => {
    const { key } = await begin();
    const id = await dispatch(key, 'linux');
    expect(await job(id).open()).toMatchObject({
      run: key,
      class: 'linux',
      checkout: { owner: 'ada', repo: 'engine' },
    });
    await expect(job(id).open()).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(job(id, { run_attempt: '2' }).open()).resolves.toMatchObject({ run: key });
  });

  it('registers once more where the answer was lost with the server, and can work', async () => {
    const { run, key } = await begin();
    const id = await dispatch(key, 'linux');
    let answers = 0;
    const client = openHttpLeaseClient({
      url: server.url,
      register: async () => ({
        ...server.hello(id),
        identityToken: await issuer.sign(nowS(), { claims: { run_id: String(1000 + ordinal) } }),
      }),
      fetch: async (...call) => {
        const answer = await fetch(...call);
        answers++;
        if (answers > 2) return answer;
        await answer.arrayBuffer();
        throw new TypeError('fetch failed');
      },
      pause: async () => {},
    });
    const { session } = await client.open();
    expect(answers).toBe(3);
    const [lease] = await client.acquire(session.workerId, 1, 0, new AbortController().signal);
    expect(lease).toMatchObject({ step: { id: 'small' } });
    expect((await world.engine.readRun(run)).steps.map(({ attempts }) => attempts)).toEqual([1, 0]);
    await expect(job(id).open()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a foreign repository', { repository_id: '75' }, 'JOB_REFUSED'],
    ['another workflow', { job_workflow_ref: 'ada/engine/.github/workflows/evil.yml@refs/heads/main' }, 'JOB_REFUSED'],
    ['another event', { event_name: 'push' }, 'JOB_REFUSED'],
    ['another audience', { aud: 'https://evil.example.com' }, 'UNAUTHENTICATED'],
    ['a token of tomorrow', { nbf: nowS() + 86_400 }, 'UNAUTHENTICATED'],
  ])('is refused with %s, and the dispatch stays good', async (_case, claims, code) => {
    const { key } = await begin();
    const id = await dispatch(key, 'linux');
    await expect(job(id, claims).open()).rejects.toMatchObject({ code });
    await expect(job('no-such-dispatch').open()).rejects.toMatchObject({ code: 'JOB_REFUSED' });
    await expect(job(id).open()).resolves.toMatchObject({ run: key });
  });

  it('cannot touch steps of another class or run, however well it guesses', async () => {
    const { run, key } = await begin();
    const [small, big] = [job(await dispatch(key, 'linux')), job(await dispatch(key, 'gpu'), { run_id: '9' })];
    await Promise.all([small.open(), big.open()]);
    const lease = (await big.acquire(0, 8, 5000, NEVER))[0] as Lease;
    const held = { stepId: lease.stepId, fence: lease.fence };
    const success = { kind: 'succeeded' } as const;
    for (const fence of [lease.fence, lease.fence + 1]) {
      const { answers } = await small.complete(0, [{ ...held, fence, outcome: success }], 0);
      expect(answers).toEqual(['lost']);
    }
    for (const attempt of [
      () => small.secrets(0, held),
      () => small.annotate(0, held, []),
      () => small.appendLog(0, [{ ...held, seq: 0, text: 'forged' }]),
      () => small.cachePut(0, held, { key: 'k', outputs: {}, artifacts: [], files: [] }, 1000),
      () => small.putBlob(0, held, (async function* () {})()),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await small.renew(0, [held])).toEqual({ lost: [held] });
    expect((await world.step(run, 'big')).status).toBe('running');
    expect((await big.complete(0, [{ ...held, outcome: success }], 0)).answers).toEqual(['recorded']);
    expect(await big.signals(0, 20_000, NEVER)).toEqual([{ type: 'drain' }]);
  });

  it('sees how its run ended after it left, and can do no more', async () => {
    const { run, key } = await begin();
    const client = job(await dispatch(key, '*'));
    const { session } = await client.register({ name: 'x', runners: [], capacity: 1 }).then((session) => ({ session }));
    await client.leave(session.workerId);
    await world.engine.cancelRun(run, 'over');
    expect(await client.readRun()).toMatchObject({ id: key, status: 'cancelled' });
    await expect(client.acquire(0, 1, 0, NEVER)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await expect(client.renew(0, [])).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await expect(client.register({ name: 'x', runners: [], capacity: 1 })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});
