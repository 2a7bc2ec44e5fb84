import { tmpdir } from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { isMaestroError, MaestroError } from '../../src/base/errors.ts';
import type { Isolation } from '../../src/protocol/outcome.ts';
import { loadStepBodies } from '../../src/steps/built-in.ts';
import {
  enterIsolation,
  findIsolation,
  makeWorkPlaces,
  removeWorkPlaces,
  type StepIsolation,
  type WorkPlaces,
} from '../../src/worker/isolation.ts';
import { openReaper } from '../../src/worker/reaper.ts';
import { identityToken } from '../identity-token.ts';
import type { JobEnvironment } from '../job-environment.ts';
import { addSummary, setOutput, tableCell, type WriteLine } from '../job-log.ts';
import { checkOut } from './checkout.ts';
import { ELEVATED_VARIABLE } from './elevate.ts';
import { type JobSession, openSession } from './job-session.ts';
import { listenToRunner, type Orders } from './orders.ts';
import { serve } from './serve.ts';
import { readSettings, type Settings } from './settings.ts';
import { StepReporter } from './step-reporter.ts';

/** A dispatched job without work for this long makes room; the server asks for another one when there is work again. */
const IDLE_MS = 30_000;

/**
 * The whole job: proves who it is, checks the commit out, serves the run, tells what it did.
 *
 * Answers the exit status: that of the run where the job started it; 0 for a dispatched job that did its work, whatever
 * became of the steps, because their check tells that.
 */
export async function runAction(env: JobEnvironment): Promise<number> {
  const write: WriteLine = (line) => void process.stdout.write(`${line}\n`);
  const settings = readSettings(env);
  const isolation = findIsolation(Math.random);
  write(isolationText(isolation));
  const orders = listenToRunner(write, env[ELEVATED_VARIABLE] === undefined ? undefined : process.stdin);
  const places = await makeWorkPlaces(isolation, tmpdir());
  const reaper = openReaper();
  try {
    const token = await identityToken(env, settings.server, delay);
    const session = await openInTime(settings, token, isolation.kind, write);
    if (session === undefined) return 0;
    const { run, class: runnerClass } = session.registered;
    write(`serving run ${run}, class ${runnerClass}, of ${settings.server}`);
    setOutput(env, 'run-id', run);
    const reporter = new StepReporter(write, Date.now);
    if (isolation.kind === 'user') await loadStepBodies();
    const leave = enterIsolation(isolation);
    try {
      await work({ env, settings, isolation, places, session, orders, reporter, reaper });
    } finally {
      leave();
    }
    const status = await session.status();
    setOutput(env, 'status', status);
    addSummary(env, `### Maestro run ${tableCell(run)}: ${tableCell(status)}\n\n${reporter.summary()}`);
    write(`run ${run}: ${status}; ${reporter.attemptCount} attempts here`);
    return settings.errand.kind === 'pipeline' && status !== 'succeeded' ? 1 : 0;
  } finally {
    orders.close();
    reaper.close();
    await removeWorkPlaces(isolation, places);
  }
}

/** Undefined where the run ended before its job came, as when a newer push cancels it: nobody should see a red job for that. */
async function openInTime(
  settings: Settings,
  token: string,
  isolation: Isolation,
  write: WriteLine,
): Promise<JobSession | undefined> {
  try {
    return await openSession(settings, token, isolation);
  } catch (error) {
    if (!isMaestroError(error, 'RUN_FINISHED')) throw error;
    write(error.message);
    return undefined;
  }
}

interface Work {
  readonly env: JobEnvironment;
  readonly settings: Settings;
  readonly isolation: StepIsolation;
  readonly places: WorkPlaces;
  readonly session: JobSession;
  readonly orders: Orders;
  readonly reporter: StepReporter;
  readonly reaper: ReturnType<typeof openReaper>;
}

async function work(job: Work): Promise<void> {
  const { env, settings, isolation, places, session, orders, reporter, reaper } = job;
  const { client, registered } = session;
  try {
    await checkOutTested(job);
  } catch (error) {
    await client.leave(registered.session.workerId).catch(() => {});
    throw error;
  }
  await serve({
    client,
    name: settings.runnerName,
    run: registered.run,
    runnerClass: registered.class,
    capacity: settings.capacity,
    isolation,
    places,
    hostEnv: env,
    reaper,
    reporter,
    idleMs: settings.errand.kind === 'dispatched' ? IDLE_MS : undefined,
    drain: orders.drain,
    abandon: orders.abandon,
  });
}

/** The token of the job is for its own repository, whatever the server says. */
async function checkOutTested({ env, settings, isolation, places, session, orders }: Work): Promise<void> {
  const { owner, repo, sha } = session.registered.checkout;
  if (`${owner}/${repo}`.toLowerCase() !== settings.repository.toLowerCase())
    throw new MaestroError(
      'CONFLICT',
      `this job belongs to ${settings.repository}, but the server asks it to check out ${owner}/${repo}`,
    );
  await checkOut({
    serverUrl: settings.githubUrl,
    owner,
    repo,
    sha,
    token: settings.token,
    folder: places.repositoryRoot,
    hostEnv: env,
    isolation,
    signal: orders.drain,
  });
}

function isolationText(isolation: StepIsolation): string {
  if (isolation.kind === 'user') return `steps run as user ${isolation.user.uid}, without groups, capabilities or sudo`;
  return (
    'steps run as the user of this job and could read its identity: no root, sudo without password or setpriv here.' +
    ' The server releases no secrets to them'
  );
}
