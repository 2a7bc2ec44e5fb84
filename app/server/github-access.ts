import type { Logger } from 'pino';
import { Probot, ProbotOctokit } from 'probot';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import type { GitHubAccess, Octokit } from '../../src/github/octokit.ts';
import { maestroApp, type VerifiedWebhook } from '../app.ts';
import type { ServerConfig } from './config.ts';
import { type AnswerLimits, openWholeFetch } from './fetch-whole.ts';
import { TokenCache } from './token-cache.ts';

export const ANSWER_LIMITS: AnswerLimits = {
  /** GitHub itself gives up a request after ten seconds. */
  msMax: 20_000,
  /** The largest that is read are trees (7 MB) and pages of a hundred changed files with their patches. */
  bytesMax: 32 * 1_048_576,
};
const UNAUTHENTICATED = 401;

type OctokitOptions = ConstructorParameters<typeof ProbotOctokit>[0];

export interface GitHubDoor {
  readonly probot: Probot;
  readonly access: GitHubAccess;
}

/** Probot with the App's own credentials; webhooks go to `receive`. */
export async function openGitHub(
  config: Pick<ServerConfig, 'appId' | 'privateKey' | 'webhookSecret' | 'githubApiUrl'>,
  log: Logger,
  receive: (webhook: VerifiedWebhook) => Promise<unknown>,
  limits: AnswerLimits = ANSWER_LIMITS,
): Promise<GitHubDoor> {
  const tokens = new TokenCache(SYSTEM_CLOCK);
  const probot = new Probot({
    appId: config.appId,
    privateKey: config.privateKey,
    secret: config.webhookSecret,
    baseUrl: config.githubApiUrl,
    Octokit: plainOctokit(tokens),
    // Every client is made from this one, and each of them asks for its token through it.
    request: { fetch: openWholeFetch(limits) },
    log,
  });
  await probot.load(maestroApp(receive), { cwd: import.meta.dirname, addHandler: () => {} });
  return { probot, access: { app: await probot.auth(), installation: (id) => installation(probot, tokens, id) } };
}

/**
 * Every call is made once and at once. What fails is tried again by whoever wanted it, from rows that outlive the process
 * and within budgets of their own; a client that waits in memory would hide both from them.
 */
function plainOctokit(tokens: TokenCache): typeof ProbotOctokit {
  return ProbotOctokit.defaults((options: OctokitOptions) => ({
    ...options,
    retry: { enabled: false },
    // Probot brings settings of its own here, so this has to come after them.
    throttle: { ...options?.throttle, enabled: false },
    auth: { ...(options?.auth as object | undefined), cache: tokens },
  }));
}

/** A token that GitHub no longer takes, as after an uninstallation, would otherwise be used for the rest of its hour. */
async function installation(probot: Probot, tokens: TokenCache, id: number): Promise<Octokit> {
  const octokit = await probot.auth(id);
  octokit.hook.error('request', (error) => {
    if ('status' in error && error.status === UNAUTHENTICATED) tokens.forget(id);
    throw error;
  });
  return octokit;
}
