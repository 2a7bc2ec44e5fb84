import { ProbotOctokit } from 'probot';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../../sandbox/sandbox.ts';
import type { GitHubAccess, Octokit } from '../../../../src/github/octokit.ts';

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const PERMISSIONS = {
  actions: 'write',
  checks: 'write',
  attestations: 'write',
  contents: 'write',
  deployments: 'write',
  issues: 'write',
  pull_requests: 'write',
  statuses: 'write',
};

/** A GitHub with one repository, somebody who may push to it, and the App installed on it. */
export interface PromotingWorld {
  readonly sandbox: Sandbox;
  readonly place: { readonly owner: string; readonly repo: string };
  readonly repositoryId: number;
  readonly installationId: number;
  readonly app: { readonly id: number; readonly slug: string };
  /** As the App's installation. */
  readonly octokit: Octokit;
  /** As the person. */
  readonly ada: Octokit;
  readonly access: GitHubAccess;
  /** Another App, or one more installation of the like. */
  install(name: string): Promise<{ readonly id: number; readonly octokit: Octokit }>;
  /** Of `main`. */
  sha(): Promise<string>;
  /** Deployments, newest first, each with its states, oldest first. */
  deployments(): Promise<
    readonly { readonly id: number; readonly environment: string; readonly states: readonly string[] }[]
  >;
  close(): Promise<void>;
}

export async function openPromotingWorld(
  files: Readonly<Record<string, string>> = { 'a.ts': 'a' },
  options: SandboxOptions = {},
): Promise<PromotingWorld> {
  const sandbox = await openSandbox(options);
  const { token } = sandbox.createUser('octo');
  const place = { owner: 'octo', repo: 'app' };
  const { id: repositoryId } = await sandbox.createRepository({ owner: 'octo', name: 'app', files });
  const octokitWith = (auth: ConstructorParameters<typeof ProbotOctokit>[0]): Octokit =>
    new ProbotOctokit({
      baseUrl: sandbox.apiUrl,
      retry: { enabled: false },
      throttle: { enabled: false },
      log: QUIET,
      ...auth,
    });
  const installed = (name: string) => {
    const app = sandbox.registerApp({
      name,
      permissions: PERMISSIONS,
      events: ['deployment_protection_rule', 'workflow_run'],
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret: 'secret',
    });
    const installationId = sandbox.install(app.appId, 'octo', ['app']);
    const auth = { appId: app.appId, privateKey: app.privateKey };
    return {
      app: { id: app.appId, slug: app.slug },
      installationId,
      octokit: octokitWith({ auth: { ...auth, installationId } }),
      asApp: octokitWith({ auth }),
    };
  };
  const own = installed('Maestro');
  const ada = octokitWith({ auth: { token } });
  const statesOf = async (deployment_id: number): Promise<readonly string[]> => {
    const { data } = await ada.rest.repos.listDeploymentStatuses({ ...place, deployment_id, per_page: 100 });
    return data.map(({ state }) => state).toReversed();
  };
  return {
    sandbox,
    place,
    repositoryId,
    installationId: own.installationId,
    app: own.app,
    octokit: own.octokit,
    ada,
    access: { app: own.asApp, installation: async () => own.octokit },
    install: async (name) => {
      const { app, octokit } = installed(name);
      return { id: app.id, octokit };
    },
    sha: async () => (await ada.rest.git.getRef({ ...place, ref: 'heads/main' })).data.object.sha,
    deployments: async () => {
      const { data } = await ada.rest.repos.listDeployments({ ...place, per_page: 100 });
      return Promise.all(data.map(async ({ id, environment }) => ({ id, environment, states: await statesOf(id) })));
    },
    close: async () => {
      const violations = sandbox.violations();
      await sandbox.close();
      if (violations.length > 0) throw new Error(`GitHub would refuse: ${JSON.stringify(violations.slice(0, 3))}`);
    },
  };
}
