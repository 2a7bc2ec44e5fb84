import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { commandHandlers } from '../../src/github/commands/command-handlers.ts';
import { environmentsIn } from '../../src/github/deployments/environments-in.ts';
import { gateNewsHandlers } from '../../src/github/deployments/gate-news.ts';
import { openDeploymentTeller } from '../../src/github/deployments/tell-deployments.ts';
import { openWorkflowDispatch } from '../../src/github/dispatch.ts';
import { codeHandlers } from '../../src/github/intake/code-handlers.ts';
import { InboxLoop } from '../../src/github/intake/inbox-loop.ts';
import { installationHandlers } from '../../src/github/intake/installation-handlers.ts';
import { Sweeps } from '../../src/github/intake/sweeps.ts';
import { openJobHandlers } from '../../src/github/jobs.ts';
import type { Compile } from '../../src/github/matching/read-pipelines.ts';
import { openGivenAnswers } from '../../src/github/protection/given-answers.ts';
import { protectionHandlers } from '../../src/github/protection/protection-handlers.ts';
import { openReviewTeller } from '../../src/github/protection/tell-reviews.ts';
import { releaseHandlers } from '../../src/github/release/release-handlers.ts';
import { openReleaseTeller } from '../../src/github/release/tell-releases.ts';
import { Reporter } from '../../src/github/report/reporter.ts';
import { repositoryNamespace } from '../../src/github/repository-namespace.ts';
import { compilePipeline } from '../../src/pipeline/compile.ts';
import type { ClaimedDelivery } from '../../src/protocol/inbox.ts';
import { Dispatcher } from '../../src/runners/github-actions/dispatcher.ts';
import { STEP_CATALOG } from '../../src/steps/catalog.ts';
import type { ServerConfig } from './config.ts';
import { handlersByEvent } from './handlers.ts';
import { openSweeps } from './open-sweeps.ts';
import type { Rooms } from './rooms.ts';

const APP_RETRY_MS = 5000;
const BEAT_MS = 2000;
/** Deliveries in work at once: most wait for GitHub. */
const INBOX_CONCURRENCY = 64;

export type OnError = (error: unknown, context?: object) => void;

/** Who is told of failures: of those that are tried again, and of what is given up. */
export interface Listeners {
  readonly onError: OnError;
  readonly onGivenUp: OnError;
}

/** The loops that act: on what arrived, on what is ready, on what GitHub should show. */
export interface Conductor {
  start(): Promise<void>;
  /** What is in work may take `graceMs` to end; another process goes on with the rest. */
  close(graceMs: number): Promise<void>;
}

export function openConductor(config: ServerConfig, rooms: Rooms, listeners: Listeners): Conductor {
  const { onError } = listeners;
  const stopping = new AbortController();
  const dispatcher = openDispatcher(config, rooms, onError);
  const inboxLoop = openInboxLoop(config, rooms, dispatcher, listeners);
  const sweeps = openSweeps(rooms, onError);
  const { claimant } = rooms;
  const life = new Sweeps({ sweeps: [() => claimant.beat()], everyMs: BEAT_MS, onError });
  let reporting: Promise<void> = Promise.resolve();
  return {
    start: async () => {
      await claimant.begin();
      life.start();
      dispatcher.start();
      await inboxLoop.start();
      for (const sweep of sweeps) sweep.start();
      reporting = report(config, rooms, onError, stopping.signal);
    },
    close: async (graceMs) => {
      stopping.abort();
      const swept = Promise.all(sweeps.map((sweep) => sweep.stop()));
      // GitHub may take longer over each of these than the process has left.
      await Promise.all([inboxLoop.stop(graceMs), within(graceMs, dispatcher.close()), within(graceMs, swept)]);
      await within(graceMs, reporting);
      await life.stop();
      await claimant.leave();
    },
  };
}

/** The timer ends with the work: one that is left would keep an idle process alive until it fires. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const patience = pause(ms, undefined, { signal: ended.signal }).catch(() => {});
  await Promise.race([work, patience]).finally(() => ended.abort());
}

function openDispatcher(config: ServerConfig, rooms: Rooms, onError: (error: unknown) => void): Dispatcher {
  const { engine, github, dispatches, demand, runs, feed } = rooms;
  return new Dispatcher({
    dispatches,
    demand,
    github: openWorkflowDispatch({ access: github.access }),
    runs,
    leases: engine.leases,
    quotasOf: (runId) => engine.quotasOf(runId),
    clock: SYSTEM_CLOCK,
    random: Math.random,
    randomBytes,
    limits: { jobsPerClassMax: config.jobsPerClassMax, jobsPerInstallationMax: config.jobsPerInstallationMax },
    labels: config.runnerLabels,
    onReady: (listener) => engine.news.on('ready', listener),
    onProblem: (runId) => feed.noteProblem(runId),
    onError,
  });
}

function openInboxLoop(
  config: ServerConfig,
  rooms: Rooms,
  dispatcher: Dispatcher,
  { onError, onGivenUp }: Listeners,
): InboxLoop {
  const {
    engine,
    claimant,
    inbox,
    installations,
    runs,
    rules,
    releases,
    checks,
    allowance,
    grants,
    records,
    dispatches,
    starter,
  } = rooms;
  const { access } = rooms.github;
  const compile: Compile = (request) => compilePipeline({ ...request, catalog: STEP_CATALOG });
  return new InboxLoop({
    inbox,
    concurrency: INBOX_CONCURRENCY,
    handlers: handlersByEvent(
      codeHandlers({ access, starter, engine, runs }),
      commandHandlers({
        access,
        appId: Number(config.appId),
        engine,
        starter,
        pipelines: starter,
        runs,
        board: checks,
        grants,
        records,
        allowance,
        clock: SYSTEM_CLOCK,
        newHolder: () => `${claimant.id} ${randomUUID()}`,
      }),
      openJobHandlers({ dispatches, wake: () => dispatcher.wake() }),
      installationHandlers({ access, engine, runs, installations }),
      protectionHandlers({ access, engine, runs, rules, board: checks, compile, policies: starter }),
      releaseHandlers({ releases }),
      gateNewsHandlers({ appId: Number(config.appId), runs, revisitGates: (runIds) => engine.revisitGates(runIds) }),
    ),
    onError: (error, delivery) => onError(error, delivery === null ? {} : factsOf(delivery)),
    onBuried: (error, delivery) => onGivenUp(error, factsOf(delivery)),
  });
}

/** What a line of the log says of a delivery: never its payload. */
function factsOf({ id, event, action, lane, tries }: ClaimedDelivery): object {
  return { delivery: id, event, action, lane, tries };
}

/** Comments are known as ours by the App's name, which GitHub tells. */
async function report(
  config: ServerConfig,
  { engine, evidence, checks, deployments, releases, rules, allowance, github, runs, feed }: Rooms,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const slug = await slugOf(github, onError, signal);
  if (slug === undefined) return;
  const reporter = new Reporter({
    book: checks,
    board: checks,
    allowance,
    access: github.access,
    app: { id: Number(config.appId), slug },
    runs,
    feed,
    tellers: [
      openDeploymentTeller(deployments, async ({ installationId, repositoryId }) =>
        environmentsIn(await engine.policyData(repositoryNamespace(installationId, repositoryId))),
      ),
      openReviewTeller(rules, openGivenAnswers(engine)),
      openReleaseTeller({ board: releases, checks, evidence, onError }),
    ],
    releases: { evidence, checks },
    publicUrl: null,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    onError,
  });
  await reporter.run(signal);
}

async function slugOf(
  { access }: Rooms['github'],
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      const { data } = await access.app.rest.apps.getAuthenticated();
      return data?.slug ?? '';
    } catch (error) {
      onError(error);
      await pause(APP_RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }
  return undefined;
}
