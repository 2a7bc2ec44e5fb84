import { mkdtempSync, rmSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { LeaseClient } from '../../../src/protocol/lease.ts';
import { BUILT_IN_STEPS } from '../../../src/steps/built-in.ts';
import { stepExecutor } from '../../../src/worker/execute.ts';
import { openHttpLeaseClient } from '../../../src/worker/http-lease-client.ts';
import { runWorker } from '../../../src/worker/loop.ts';
import { itEmbedded, onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { World } from '../engine/world.ts';
import { FarServer } from './far-server.ts';

const NEVER = new AbortController().signal;
const TIMES = { renewEveryMs: 100, expireAfterMs: 20_000, sweepEveryMs: 100 };
const shell = (id: string, run: string, change: Partial<PlanStep> = {}) =>
  planStep(id, { with: { run, shell: 'bash' }, ...change });

onEveryDatabase('a server that restarts', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let server: FarServer;

  beforeEach(async () => {
    fresh = await freshDatabase(url);
    world = await World.open(await fresh.open(), { times: TIMES });
    server = new FarServer();
    await server.listen(world.engine, world.db);
  });
  afterEach(async () => {
    await server.close();
    await world.close();
    await world.db.close();
    await fresh.drop();
  });

  const goDown = async () => {
    await server.close();
    await world.close();
    await world.db.close();
  };
  const comeBack = async () => {
    world = await World.open(await fresh.open(), { times: TIMES });
    await server.listen(world.engine, world.db);
  };
  const begin = async (...steps: PlanStep[]) => {
    const run = await world.start(steps, { isDedicated: true });
    return { run, key: (await world.engine.readRun(run)).id };
  };

  it('gets the outcome of a step that ran on meanwhile, and does not run it again', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-restart-'));
    const { run, key } = await begin(
      shell('long', `echo begun; touch ${folder}/begun; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo ended`),
      shell('after', 'echo after', { needs: ['long'] }),
    );
    const client = server.client({ run: key, class: '*' });
    const working = runWorker({
      client,
      hello: { name: 'far', runners: ['*'], capacity: 1, run: key },
      execute: stepExecutor({
        client,
        steps: BUILT_IN_STEPS,
        repositoryRoot: folder,
        temporaryRoot: join(folder, 'temporary'),
        hostEnv: process.env,
        runnerName: 'test',
      }),
      clock: SYSTEM_CLOCK,
      signal: NEVER,
    });
    try {
      await world.until(run, 'long', 'running');
      await untilFile(join(folder, 'begun'));
      await goDown();
      // The step ends while nobody can be told.
      await writeFile(join(folder, 'go'), '');
      await comeBack();
      const view = await world.end(run);
      expect(view.status).toBe('succeeded');
      expect(view.steps.map(({ id, attempts }) => [id, attempts])).toEqual([
        ['long', 1],
        ['after', 1],
      ]);
      const lines: string[] = [];
      for await (const line of world.engine.readLogs(run, 'long', false, NEVER)) lines.push(line.text);
      expect(lines.join('')).toBe('begun\nended\n');
      // Nothing is left for it: the server tells it to go.
      expect(await working).toEqual({ recorded: 2, lost: 0 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('sends content again of which nothing was taken while it was down', async () => {
    const { key } = await begin(planStep('a'));
    const { client, lease } = await leased(key);
    await goDown();
    let back: Promise<void> | undefined;
    const patient = openHttpLeaseClient({
      url: server.url,
      register: async () => server.hello('unused'),
      pause: () => (back ??= comeBack()),
      fetch: withTokenOf(client),
    });
    const stored = await patient.putBlob(
      0,
      lease,
      (async function* () {
        yield Buffer.from('kept');
      })(),
    );
    expect(stored.sizeBytes).toBe(4);
    await client.complete(0, [{ ...lease, outcome: { kind: 'succeeded' } }], 0);
  });

  // Other servers of a Postgres live on, and near workers may be theirs.
  itEmbedded(url, 'ends the attempts of near workers only', async () => {
    const { run, key } = await begin(planStep('a'), planStep('b'));
    const { lease } = await leased(key);
    const near = await world.worker({ run: key });
    const other = (await world.engine.leases.acquire(near.id, 1, 5000, NEVER))[0];
    await goDown();
    await comeBack();
    const steps = (await world.engine.readRun(run)).steps;
    const running = steps.filter(({ status }) => status === 'running').map(({ id }) => id);
    expect(running).toEqual([lease.step.id]);
    expect(other?.step.id).not.toBe(lease.step.id);
    await world.engine.cancelRun(run, 'over');
  });

  const tokens = new WeakMap<LeaseClient, string>();
  const withTokenOf =
    (client: LeaseClient): typeof fetch =>
    (input, init) => {
      const headers = { ...(init?.headers as Record<string, string>), authorization: `Bearer ${tokens.get(client)}` };
      return fetch(input, { ...init, headers });
    };
  async function leased(key: string) {
    const client = server.client({ run: key, class: '*' });
    const { sessionToken, session } = await client.open();
    tokens.set(client, sessionToken);
    const [lease] = await client.acquire(session.workerId, 1, 5000, NEVER);
    if (!lease) throw new Error('nothing to lease');
    const { stepId, fence, step } = lease;
    return { client, lease: { stepId, fence, step } };
  }
});

async function untilFile(path: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      return await access(path);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  throw new Error(`no ${path}`);
}
