import { setTimeout as delay } from 'node:timers/promises';
import { MaestroError } from '../../src/base/errors.ts';
import type { StepIsolation } from '../../src/worker/isolation.ts';
import { runProcess } from '../../src/worker/process.ts';

export interface CheckoutRequest {
  /** `https://github.com` */
  readonly serverUrl: string;
  readonly owner: string;
  readonly repo: string;
  /** The tested commit: 40 or 64 hexadecimal digits. */
  readonly sha: string;
  readonly token: string;
  /** An empty folder. */
  readonly folder: string;
  /** PATH, proxies and certificates of the machine; nothing else is taken. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  readonly isolation: StepIsolation;
  readonly signal: AbortSignal;
}

const TRIES_MAX = 3;
const OUTPUT_CHARS_MAX = 4000;
const HANDED_ON = /^(PATH|LANG|TZ|SSL_CERT_FILE|SSL_CERT_DIR|GIT_SSL_CAINFO|(https?|no|all)_proxy)$/i;
const NAME = /^[\w.-]{1,100}$/;
const SHA = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Puts the files of one commit into the folder.
 *
 * The token is in the environment of `git` alone, while it runs: not in `.git/config`, not on a command line. Hooks,
 * filters, submodules and LFS are off, and no setting of the machine's git, its user or the job's `GIT_*` applies.
 *
 * @throws MaestroError INPUT_INVALID for names that are none, NETWORK_FAILED where the commit cannot be had
 */
export async function checkOut(request: CheckoutRequest): Promise<void> {
  const { owner, repo, sha, folder } = request;
  if (!NAME.test(owner) || !NAME.test(repo) || !SHA.test(sha))
    throw new MaestroError('INPUT_INVALID', 'expected owner, repository and full SHA of a commit from the server');
  const url = `${request.serverUrl}/${owner}/${repo}.git`;
  const format = sha.length === 64 ? ['--object-format=sha256'] : [];
  await git(request, ['init', '--quiet', '--template=', ...format, folder]);
  await fetchWithRetries(request, url);
  await git(request, ['checkout', '--quiet', '--force', '--detach', sha]);
  const head = (await git(request, ['rev-parse', 'HEAD'])).trim();
  if (head !== sha) throw new MaestroError('NETWORK_FAILED', `expected commit ${sha} in the checkout, got ${head}`);
}

async function fetchWithRetries(request: CheckoutRequest, url: string): Promise<void> {
  const words = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--depth=1', url, request.sha];
  for (let attempt = 1; ; attempt++) {
    try {
      await git(request, words);
      return;
    } catch (error) {
      if (attempt === TRIES_MAX || request.signal.aborted) throw error;
      await delay(1000 * attempt, undefined, { signal: request.signal });
    }
  }
}

async function git(request: CheckoutRequest, words: readonly string[]): Promise<string> {
  let output = '';
  const end = await runProcess({
    argv: ['git', ...words],
    cwd: request.folder,
    env: environment(request),
    signal: request.signal,
    isolation: request.isolation,
    onOutput: (bytes) => {
      if (output.length < OUTPUT_CHARS_MAX) output += bytes.toString('utf8');
      return undefined;
    },
  });
  if (end.exitCode === 0) return output;
  throw new MaestroError(
    'NETWORK_FAILED',
    `could not check out ${request.owner}/${request.repo} at ${request.sha}: git ${words[0]} ended with ${end.exitCode ?? end.signalName}: ${output.trim()}`,
  );
}

function environment({ hostEnv, token, serverUrl }: CheckoutRequest): Record<string, string> {
  const kept = Object.entries(hostEnv).filter(
    (entry): entry is [string, string] => HANDED_ON.test(entry[0]) && entry[1] !== undefined,
  );
  const login = Buffer.from(`x-access-token:${token}`).toString('base64');
  const settings: readonly (readonly [string, string])[] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['submodule.recurse', 'false'],
    // A redirect would take the token along.
    ['http.followRedirects', 'false'],
    ['advice.detachedHead', 'false'],
    ['gc.auto', '0'],
    ...(token === '' ? [] : [[`http.${serverUrl}/.extraheader`, `AUTHORIZATION: basic ${login}`] as const]),
  ];
  return {
    ...Object.fromEntries(kept),
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  };
}
