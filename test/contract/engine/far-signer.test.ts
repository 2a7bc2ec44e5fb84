import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { openServiceSigner } from '../../../src/provenance/signers/key-service.ts';
import { openTransitKey } from '../../../src/provenance/signers/vault-transit.ts';
import { openVaultAccount } from '../../../src/secrets/vault/vault-account.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { FakeKeyService, VAULT } from '../../fakes/key-services.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { shownOf } from '../../unit/secrets/planted.ts';
import { type TestWorker, World } from './world.ts';

const PLANTED = 'PLANTED-token';
const CALL_MS_MAX = 300;
/** As many as are sealed together. */
const RUNS = 32;

onEveryDatabase('receipts signed by a key service', (url) => {
  let fresh: FreshDatabase;
  let folder: string;
  let far: FakeKeyService;
  let world: World;
  let worker: TestWorker;

  beforeEach(async () => {
    fresh = await freshDatabase(url);
    folder = await mkdtemp(join(tmpdir(), 'maestro-far-signer-'));
    far = await new FakeKeyService(VAULT).open();
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, PLANTED, { mode: 0o600 });
    const place = { url: `http://${far.address}`, namespace: undefined };
    const account = openVaultAccount(place, { method: 'token', tokenFile }, { fetch, clock: SYSTEM_CLOCK });
    const key = openTransitKey({ type: 'vault', mount: 'transit', name: 'receipts', version: 1 }, account);
    world = await World.open(await fresh.open(), { signer: await openServiceSigner(key, CALL_MS_MAX) });
    worker = await world.worker();
  });
  afterEach(async () => {
    await world.close();
    await world.db.close();
    await fresh.drop();
    await far.close();
    await rm(folder, { recursive: true });
  });

  const receipts = async (): Promise<number> => Number((await world.sql('select count(*) from receipt'))[0]?.[0]);
  const sealNow = async (): Promise<void> => {
    await world.sql('update outbox set due_at = now() where kind = 2');
    await world.engine.seal();
  };

  it.each(['hang', 'garble', 'refuse'] as const)(
    'are signed later when it does this as a run ends: %s. The run ends, and nothing is lost',
    async (mood) => {
      far.behave(mood);
      const run = await world.start([planStep('a')]);
      await worker.run('a');
      await expect(world.engine.waitForRun(run, AbortSignal.timeout(10_000))).rejects.toMatchObject({
        code: 'SIGNER_UNAVAILABLE',
      });
      expect(await world.sql(`select state from run where id = ${run}`)).toEqual(await world.sql('select 3'));
      expect(await receipts()).toBe(0);
      const told = world.errors.splice(0);
      expect(told).toMatchObject([{ code: 'SIGNER_UNAVAILABLE' }]);
      expect(shownOf(told)).not.toContain(PLANTED);
      far.behave('serve');
      await sealNow();
      expect((await world.end(run)).status).toBe('succeeded');
      expect(await receipts()).toBe(1);
    },
  );

  it('are asked for many at once within a limit, so that a service far away does not put them in a row', async () => {
    far.behave('refuse');
    const runs = await Promise.all(Array.from({ length: RUNS }, (_, i) => world.start([planStep(`s${i}`)])));
    for (let i = 0; i < RUNS; i++) await worker.run(`s${i}`);
    await Promise.allSettled(runs.map((run) => world.engine.waitForRun(run, AbortSignal.timeout(10_000))));
    world.errors.length = 0;
    far.behave('serve');
    far.latencyMs = 50;
    far.atOnceMax = 0;
    await sealNow();
    await sealNow();
    expect(await receipts()).toBe(RUNS);
    expect(far.atOnceMax).toBe(16);
    for (const run of runs) expect((await world.end(run)).status).toBe('succeeded');
  });
});
