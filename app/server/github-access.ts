import type { Logger } from 'pino';
import { Probot, ProbotOctokit } from 'probot';
import type { GitHubAccess, Octokit } from '../../src/github/octokit.ts';
import { maestroApp, type VerifiedWebhook } from '../app.ts';
import type { ServerConfig } from './config.ts';

/** GitHub itself gives up a request after ten seconds. */
const CALL_MS_MAX = 20_000;

/**
 * Every call is made once and at once. What fails is tried again by whoever wanted it, from rows that outlive the process
 * and within budgets of their own; a client that waits in memory would hide both from them.
 */
const PlainOctokit = ProbotOctokit.defaults((options: OctokitOptions) => ({
  ...options,
  retry: { enabled: false },
  // Probot brings settings of its own here, so this has to come after them.
  throttle: { ...options?.throttle, enabled: false },
  request: { ...options?.request, fetch: fetchInTime },
}));
type OctokitOptions = ConstructorParameters<typeof ProbotOctokit>[0];

function fetchInTime(url: string, init: RequestInit): Promise<Response> {
  const limit = AbortSignal.timeout(CALL_MS_MAX);
  return fetch(url, { ...init, signal: init.signal ? AbortSignal.any([init.signal, limit]) : limit });
}

export interface GitHubDoor {
  readonly probot: Probot;
  readonly access: GitHubAccess;
}

/** Probot with the App's own credentials; webhooks go to `receive`. */
export async function openGitHub(
  config: Pick<ServerConfig, 'appId' | 'privateKey' | 'webhookSecret' | 'githubApiUrl'>,
  log: Logger,
  receive: (webhook: VerifiedWebhook) => Promise<unknown>,
): Promise<GitHubDoor> {
  const probot = new Probot({
    appId: config.appId,
    privateKey: config.privateKey,
    secret: config.webhookSecret,
    baseUrl: config.githubApiUrl,
    Octokit: PlainOctokit,
    log,
  });
  await probot.load(maestroApp(receive), { cwd: import.meta.dirname, addHandler: () => {} });
  const installation = (id: number): Promise<Octokit> => probot.auth(id);
  return { probot, access: { app: await probot.auth(), installation } };
}
