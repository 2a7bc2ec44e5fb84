import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { readBundle } from '../../src/policy/bundle.ts';
import { openPolicy } from '../../src/policy/evaluate.ts';
import { verifyDisclosure } from '../../src/provenance/disclosure/verify-disclosure.ts';
import { openEmbedded } from '../../src/store/embedded.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { runWorker } from '../../src/worker/loop.ts';
import { planOf, planStep, TRIGGER } from '../fakes/plans.ts';
import { openBenchEngine } from './engines/open-engine.ts';
import { dropScratch, makeScratch } from './scratch-database.ts';
import { percentile, rounded } from './statistics.ts';

/**
 * What follows the end of a run of 1,000 steps: until its receipt is signed and stored, what its disclosure pack takes to make and to
 * verify, and how large that is.
 *
 * `npm run bench:ended [-- --steps=1000] [--runs=20] [--database=pglite]` prints one JSON line. Milliseconds but for the bytes.
 */
const POLICY = resolve(import.meta.dirname, '../../policy/dist');
const POLL_MS = 1;
const ENDED = 3;
const RUN_MS_MAX = 60_000;

const option = (name: string, fallback: string): string =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;

const [steps, runs] = [Number(option('steps', '1000')), Number(option('runs', '20'))];
const database = await makeScratch(option('database', 'postgres') === 'pglite' ? 'pglite' : 'postgres');
const folder = mkdtempSync(join(tmpdir(), 'maestro-bench-'));
const db = database.kind === 'postgres' ? await openPostgres(database.url) : await openEmbedded(database.folder);
await migrate(db);
const [wasm, manifest] = ['policy.wasm', 'manifest.json'].map((name) => readFileSync(join(POLICY, name))) as [
  Buffer,
  Buffer,
];
const rules = await openPolicy(readBundle({ wasm, manifest }));
const engine = await openBenchEngine(db, folder, rules, rules);
const stop = new AbortController();
const worker = runWorker({
  client: engine.leases,
  hello: { name: 'bench', runners: ['*'], capacity: 1024 },
  clock: SYSTEM_CLOCK,
  signal: stop.signal,
  execute: async () => ({ kind: 'succeeded' }),
});
try {
  const plan = planOf(Array.from({ length: steps }, (_, i) => planStep(`s${i}`)));
  const times: Record<'receiptMs' | 'packMs' | 'verifyMs' | 'packBytes', number[]> = {
    receiptMs: [],
    packMs: [],
    verifyMs: [],
    packBytes: [],
  };
  for (let i = 0; i < runs; i++) {
    const { run } = await engine.startRun({ plan, trigger: { ...TRIGGER, github: { run_number: i } } });
    while (Number((await db.query('', `select state from run where id = ${run}`, []))[0]?.[0]) < ENDED)
      await wait(POLL_MS);
    const ended = performance.now();
    await engine.waitForRun(run, AbortSignal.timeout(RUN_MS_MAX));
    const signed = performance.now();
    const { publicKey } = await engine.readReceipt(run);
    const begun = performance.now();
    const archive = await engine.disclose(run, 'full');
    const made = performance.now();
    await verifyDisclosure({ archive, key: publicKey });
    times.receiptMs.push(signed - ended);
    times.packMs.push(made - begun);
    times.verifyMs.push(performance.now() - made);
    times.packBytes.push(archive.byteLength);
  }
  const told = Object.entries(times).flatMap(([name, list]) => {
    const sorted = list.toSorted((a, b) => a - b);
    return [50, 95].map((percent) => [`${name}P${percent}`, rounded(percentile(sorted, percent), 1)]);
  });
  console.log(
    JSON.stringify({ bench: 'ended-run', database: database.kind, steps, runs, ...Object.fromEntries(told) }),
  );
} finally {
  stop.abort();
  await worker;
  await engine.close();
  await db.close();
  await dropScratch(database);
  rmSync(folder, { recursive: true, force: true });
}
