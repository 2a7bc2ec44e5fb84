import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { BUILT_IN_STEPS } from '../../../src/steps/built-in.ts';
import { Attempt } from '../../../src/worker/attempt.ts';
import { executeStep } from '../../../src/worker/execute.ts';
import { enterIsolation, findIsolation, makeWorkPlaces, PROCESS_ISOLATION } from '../../../src/worker/isolation.ts';
import { openReaper } from '../../../src/worker/reaper.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';
import { leaseOf } from './leases.ts';

/**
 * A worker in a process of its own, which the tests of isolation attack: standard input holds the step (JSON, with
 * `isShared` for one that shares the worker's user), standard
 * output gets what the step's owner would see.
 */
const { isShared, ...step } = JSON.parse((await buffer(process.stdin)).toString('utf8'));
const isolation = isShared ? PROCESS_ISOLATION : findIsolation(Math.random);
const places = await makeWorkPlaces(isolation, tmpdir());
const reaper = openReaper();
const leave = enterIsolation(isolation);
const client = new FakeConductor();
const outcome = await executeStep(new Attempt(leaseOf({}, step)), 1, {
  client,
  steps: BUILT_IN_STEPS,
  repositoryRoot: places.repositoryRoot,
  temporaryRoot: places.temporaryRoot,
  hostEnv: { ...process.env, HOME: places.home },
  runnerName: 'attacked',
  workerToken: reaper.token,
  isolation,
});
const ownEnvironment = readable('/proc/self/environ');
leave();
reaper.close();
rmSync(places.root, { recursive: true, force: true });
const blobs = [...client.blobs.values()].map((bytes) => bytes.toString('latin1'));
process.stdout.write(JSON.stringify({ isolation, outcome, log: client.logText(), blobs, ownEnvironment }));

/** Whether the worker itself may open the file now: what a step could make it open by a link. */
function readable(path: string): string {
  try {
    readFileSync(path);
    return 'readable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
