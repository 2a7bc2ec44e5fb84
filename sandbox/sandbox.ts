import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../src/base/json.ts';
import { Actions, type RunnerGroup } from './actions/actions.ts';
import { OidcIssuer } from './actions/oidc.ts';
import { startTriggered } from './actions/triggers.ts';
import { Api, type ApiCall, type Violation } from './api.ts';
import { environmentOf } from './environments.ts';
import { GITHUB_LIMITS, type Limits, RateLimiter } from './limits.ts';
import { Misbehaviour, type MisbehaviourRule } from './misbehaviour.ts';
import type { Account, App, Installation, Permissions, Repository, WorkflowJob } from './model.ts';
import { fullName, nodeId } from './names.ts';
import { OpenApi } from './openapi.ts';
import { createRepository, type NewRepository } from './repository.ts';
import { listen } from './server.ts';
import { snapshotOf } from './snapshot.ts';
import { accountView, installationView } from './view/repository.ts';
import { type HookDelivery, Webhooks } from './webhooks.ts';
import { World } from './world.ts';

export type { RunnerGroup } from './actions/actions.ts';
export type { ApiCall, Violation } from './api.ts';
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

export interface NewApp {
  readonly name: string;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  readonly webhookUrl: string;
  readonly webhookSecret: string;
}

/** A GitHub on loopback. Everything in it is gone when it closes. */
export interface Sandbox {
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

export interface SandboxJob {
  readonly id: number;
  readonly runId: number;
  readonly attempt: number;
  readonly repository: string;
  readonly labels: readonly string[];
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
  | 'install'
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
      const app = world.apps.get(appId);
      if (app === undefined) throw new Error(`the sandbox has no app ${appId}`);
      environmentOf(world, world.repository(owner, name), environment).protectionApps.add(app);
    },
    registerApp: (app) => registerApp(world, app),
    install: (appId, owner, names) => {
      const app = world.apps.get(appId);
      if (app === undefined) throw new Error(`the sandbox has no app ${appId}`);
      return install(
        world,
        app,
        world.account(owner),
        names.map((name) => world.repository(owner, name)),
      ).id;
    },
    breakUpload: (assetName) => {
      world.brokenUploads.add(assetName);
    },
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
        status,
        conclusion,
        log: [...log],
        summary,
      })),
    ),
  );
}

function registerApp(world: World, wanted: NewApp): { appId: number; privateKey: string; slug: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const slug = wanted.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const app: App = {
    ...wanted,
    permissions: { metadata: 'read', ...wanted.permissions },
    id: world.nextId(),
    slug,
    publicKey,
    bot: world.addAccount(`${slug}[bot]`, 'Bot'),
    createdAt: world.now(),
  };
  world.apps.set(app.id, app);
  return { appId: app.id, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), slug };
}

function install(world: World, app: App, account: Account, repositories: readonly Repository[]): Installation {
  const installation: Installation = {
    id: world.nextId(),
    app,
    account,
    permissions: app.permissions,
    repositoryIds: new Set(repositories.map(({ id }) => id)),
    createdAt: world.now(),
  };
  world.installations.set(installation.id, installation);
  // Every app hears of its installations, whatever it subscribed to.
  world.webhooks.send(app, installation, 'installation', {
    action: 'created',
    installation: installationView(world, installation),
    repositories: repositories.map((repository) => {
      const { id, name } = repository;
      return {
        id,
        name,
        full_name: fullName(repository),
        private: repository.isPrivate,
        node_id: nodeId('Repository', id),
      };
    }),
    sender: accountView(world, account),
  });
  return installation;
}

/** GitHub's own app: jobs act in its name and their check runs are its own. */
function actionsApp(world: World): App {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    id: 15_368,
    slug: 'github-actions',
    name: 'GitHub Actions',
    permissions: {},
    events: [],
    webhookUrl: '',
    webhookSecret: '',
    publicKey,
    bot: world.addAccount('github-actions[bot]', 'Bot'),
    createdAt: world.now(),
  };
}
