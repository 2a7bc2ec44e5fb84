import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../src/base/json.ts';
import { Actions, type RunnerGroup } from './actions/actions.ts';
import { OidcIssuer } from './actions/oidc.ts';
import { startTriggered } from './actions/triggers.ts';
import { Api, type ApiCall, type Violation } from './api.ts';
import { actionsApp, type NewApp, registerApp } from './apps.ts';
import { environmentOf } from './environments.ts';
import { addRepository, install, removeRepository, suspend, uninstall } from './installations.ts';
import { GITHUB_LIMITS, type Limits, RateLimiter } from './limits.ts';
import { dequeue, enqueue, type LeaveReason } from './merge-queue.ts';
import { Misbehaviour, type MisbehaviourRule } from './misbehaviour.ts';
import type { App, WorkflowJob } from './model.ts';
import { fullName } from './names.ts';
import { OpenApi } from './openapi.ts';
import { type PeopleVerbs, peopleVerbs } from './people.ts';
import { createRepository, type NewRepository } from './repository.ts';
import { listen } from './server.ts';
import { snapshotOf } from './snapshot.ts';
import { type HookDelivery, Webhooks } from './webhooks.ts';
import { World } from './world.ts';

export type { RunnerGroup } from './actions/actions.ts';
export type { ApiCall, Violation } from './api.ts';
export type { NewApp } from './apps.ts';
export type { Limits } from './limits.ts';
export type { MisbehaviourRule } from './misbehaviour.ts';
export type { NewRepository } from './repository.ts';
export type { HookDelivery } from './webhooks.ts';

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly nowMs?: () => number;
  /** 0 to 1, for misbehaviour by chance. */
  readonly random?: () => number;
  readonly limits?: Partial<Limits>;
  /** Machines for workflow jobs; without them every job stays queued. */
  readonly runners?: readonly RunnerGroup[];
  /** `owner/name` -> absolute folder that stands for that action at every ref. */
  readonly actionSources?: Readonly<Record<string, string>>;
  /** The environment of the host, of which jobs see the harmless names. Give `process.env`. */
  readonly hostEnvironment?: Readonly<Record<string, string | undefined>>;
  /** Answers dispatches as GitHub Enterprise Server 3.19 does: 204, ten inputs, no `return_run_details`. */
  readonly isEnterprise?: boolean;
}

/** A GitHub on loopback. Everything in it is gone when it closes. */
export interface Sandbox extends PeopleVerbs {
  /** `http://127.0.0.1:PORT`: pages, git, OIDC below `/_services/token`. */
  readonly url: string;
  /** Octokit's `baseUrl`. */
  readonly apiUrl: string;
  /** Folder of repositories and jobs. */
  readonly folder: string;
  createUser(login: string): { readonly login: string; readonly id: number; readonly token: string };
  createOrganization(login: string): { readonly login: string; readonly id: number };
  createRepository(
    options: NewRepository,
  ): Promise<{ readonly id: number; readonly owner: string; readonly name: string; readonly cloneUrl: string }>;
  /** From now on published releases of it cannot be changed. */
  makeReleasesImmutable(owner: string, name: string): void;
  /** Makes an app ask before jobs may deploy to an environment. */
  protectEnvironment(owner: string, name: string, environment: string, appId: number): void;
  registerApp(app: NewApp): { readonly appId: number; readonly privateKey: string; readonly slug: string };
  /** Installs an app on repositories (names without owner) and tells it. */
  install(appId: number, owner: string, repositories: readonly string[]): number;
  /** Takes the installation away: the app hears of it and its tokens are refused. */
  uninstall(installationId: number): void;
  /** While it is suspended its tokens are refused, and the app hears of nothing but the end of it. */
  suspend(installationId: number): void;
  unsuspend(installationId: number): void;
  /** Of the installation's own account, without owner. */
  addRepository(installationId: number, name: string): void;
  removeRepository(installationId: number, name: string): void;
  /** A person puts a pull request into the merge queue: its base and it are merged on a branch of their own, to be tested. */
  enqueue(owner: string, name: string, pullNumber: number, login: string): Promise<QueuedGroup>;
  /** The group leaves the queue. Where it was merged, the base becomes what was tested and the pull request is closed. */
  dequeue(owner: string, name: string, pullNumber: number, reason: LeaveReason): Promise<void>;
  /** Returns how to end the misbehaviour. */
  misbehave(rule: MisbehaviourRule): () => void;
  /** The next upload of an asset of this name breaks off and leaves it in state `starter`. */
  breakUpload(assetName: string): void;
  setRunners(runners: readonly RunnerGroup[]): void;
  /** The machine of a running job dies without a word. */
  killRunner(jobId: number): Promise<void>;
  jobs(): readonly SandboxJob[];
  calls(): readonly ApiCall[];
  violations(): readonly Violation[];
  deliveries(): readonly HookDelivery[];
  snapshot(): Json;
  /** Resolves when no webhook is under way and no job runs. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A branch of the merge queue. */
export interface QueuedGroup {
  readonly ref: string;
  readonly headSha: string;
  readonly baseSha: string;
}

export interface SandboxJob {
  readonly id: number;
  readonly runId: number;
  readonly attempt: number;
  readonly repository: string;
  readonly labels: readonly string[];
  /** Of the dispatch that it came from. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly status: WorkflowJob['status'];
  readonly conclusion: string | null;
  readonly log: readonly string[];
  readonly summary: string;
}

export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const nowMs = options.nowMs ?? Date.now;
  const folder = await mkdtemp(join(tmpdir(), 'maestro-sandbox-'));
  const root = join(folder, 'repositories');
  mkdirSync(root);
  const server = await listen(options.port ?? 0);
  const misbehaviour = new Misbehaviour(options.random ?? Math.random);
  const webhooks = new Webhooks(misbehaviour, nowMs);
  const world = new World({ origin: server.origin, root, webhooks, nowMs });
  const oidc = new OidcIssuer(server.origin, nowMs);
  const actions = new Actions({
    world,
    oidc,
    app: actionsApp(world),
    runners: options.runners ?? [],
    actionSources: options.actionSources ?? {},
    workFolder: join(folder, 'jobs'),
    hostEnvironment: options.hostEnvironment ?? {},
  });
  const limiter = new RateLimiter({ ...GITHUB_LIMITS, ...options.limits }, nowMs);
  const openApi = new OpenApi();
  const api = new Api({ world, openApi, limiter, misbehaviour, actions, isEnterprise: options.isEnterprise ?? false });
  const triggered = new Set<Promise<void>>();
  world.watchers.add((happening) => {
    if (happening.event !== 'push' && happening.event !== 'pull_request') return;
    const started = startTriggered(world, actions, happening);
    triggered.add(started);
    void started.finally(() => triggered.delete(started));
  });
  server.use({ world, api, actions, oidc });
  const close = async (): Promise<void> => {
    await actions.close();
    await Promise.all(triggered);
    await webhooks.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const settled = async (): Promise<void> => {
    await Promise.all(triggered);
    await actions.settled();
    await webhooks.settled();
  };
  return {
    url: server.origin,
    apiUrl: world.apiUrl,
    folder,
    close,
    settled,
    ...worldVerbs(world),
    ...peopleVerbs(world),
    ...installationVerbs(world),
    ...queueVerbs(world, api),
    ...observation({ world, api, actions, misbehaviour }),
  };
}

type WorldVerbs = Pick<
  Sandbox,
  | 'createUser'
  | 'createOrganization'
  | 'createRepository'
  | 'makeReleasesImmutable'
  | 'protectEnvironment'
  | 'registerApp'
  | 'breakUpload'
>;

function worldVerbs(world: World): WorldVerbs {
  return {
    createUser: (login) => {
      const { id, token } = world.addAccount(login, 'User');
      return { login, id, token: token ?? '' };
    },
    createOrganization: (login) => ({ login, id: world.addAccount(login, 'Organization').id }),
    createRepository: async (wanted) => {
      const repository = await createRepository(world, wanted);
      const { id, owner, name } = repository;
      return { id, owner: owner.login, name, cloneUrl: `${world.origin}/${fullName(repository)}.git` };
    },
    makeReleasesImmutable: (owner, name) => {
      world.repository(owner, name).hasImmutableReleases = true;
    },
    protectEnvironment: (owner, name, environment, appId) => {
      environmentOf(world, world.repository(owner, name), environment).protectionApps.add(appOf(world, appId));
    },
    registerApp: (app) => registerApp(world, app),
    breakUpload: (assetName) => {
      world.brokenUploads.add(assetName);
    },
  };
}

type InstallationVerbs = Pick<
  Sandbox,
  'install' | 'uninstall' | 'suspend' | 'unsuspend' | 'addRepository' | 'removeRepository'
>;

function installationVerbs(world: World): InstallationVerbs {
  return {
    install: (appId, owner, names) => {
      const repositories = names.map((name) => world.repository(owner, name));
      return install(world, appOf(world, appId), world.account(owner), repositories).id;
    },
    uninstall: (id) => uninstall(world, id),
    suspend: (id) => suspend(world, id, true),
    unsuspend: (id) => suspend(world, id, false),
    addRepository: (id, name) => addRepository(world, id, name),
    removeRepository: (id, name) => removeRepository(world, id, name),
  };
}

function appOf(world: World, id: number): App {
  const app = world.apps.get(id);
  if (app === undefined) throw new Error(`the sandbox has no app ${id}`);
  return app;
}

function queueVerbs(world: World, api: Api): Pick<Sandbox, 'enqueue' | 'dequeue'> {
  return {
    enqueue: async (owner, name, number, login) => {
      const { ref, headSha, baseSha } = await api.exclusive(
        async () => await enqueue(world, world.repository(owner, name), number, world.account(login)),
      );
      return { ref, headSha, baseSha };
    },
    dequeue: async (owner, name, number, reason) =>
      await api.exclusive(async () => await dequeue(world, world.repository(owner, name), number, reason)),
  };
}

type Observation = Pick<
  Sandbox,
  'misbehave' | 'setRunners' | 'killRunner' | 'jobs' | 'calls' | 'violations' | 'deliveries' | 'snapshot'
>;

function observation(parts: { world: World; api: Api; actions: Actions; misbehaviour: Misbehaviour }): Observation {
  const { world, api, actions, misbehaviour } = parts;
  return {
    misbehave: (rule) => misbehaviour.add(rule),
    setRunners: (runners) => actions.setRunners(runners),
    killRunner: async (jobId) => await actions.killRunner(jobId),
    jobs: () => jobsOf(world),
    calls: () => [...api.calls],
    violations: () => [...api.violations],
    deliveries: () => [...world.webhooks.log],
    snapshot: () => snapshotOf(world),
  };
}

function jobsOf(world: World): readonly SandboxJob[] {
  return [...world.repositories.values()].flatMap((repository) =>
    [...repository.workflowRuns.values()].flatMap((run) =>
      run.jobs.map(({ id, attempt, labels, status, conclusion, log, summary }) => ({
        id,
        runId: run.id,
        attempt,
        repository: fullName(repository),
        labels,
        inputs: run.inputs,
        status,
        conclusion,
        log: [...log],
        summary,
      })),
    ),
  );
}
