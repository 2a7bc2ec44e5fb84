import { execFileSync, type StdioOptions } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const GIT_TIMEOUT_MS = 5000;

/** Where the source of a run comes from. */
export interface GitFacts {
  /** The remote without user, password, query and fragment, else the folder as a file URL. */
  readonly uri: string;
  /** HEAD. The working tree may differ from it. */
  readonly commit: string | null;
  /** For example `refs/heads/main`; null where HEAD is detached. */
  readonly ref: string | null;
  /** `owner/name` of the remote; the folder's name where there is none. */
  readonly repository: string;
}

/** Asks git; a folder that is no repository, or a machine without git, gives nulls. */
export function readGitFacts(root: string): GitFacts {
  const remote = git(root, 'config', '--get', 'remote.origin.url');
  const folder = pathToFileURL(root).href;
  const uri = remote === null ? folder : remoteUri(remote, root);
  return {
    uri,
    commit: git(root, 'rev-parse', '--verify', '--quiet', 'HEAD'),
    ref: git(root, 'symbolic-ref', '--quiet', 'HEAD'),
    repository: uri === folder ? `local/${root.split(/[\\/]/).at(-1)}` : repositoryOf(uri),
  };
}

function git(root: string, ...args: string[]): string | null {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return (
      execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', timeout: GIT_TIMEOUT_MS, stdio }).trim() || null
    );
  } catch {
    // No repository, no commit yet, no git: each means "unknown", which is a valid answer here.
    return null;
  }
}

/**
 * The remote as others may see it: without user, password, query and fragment, which may hold a token.
 *
 * What cannot be taken apart for certain, and a remote on this machine, is given as a file URL: of `root` for the first.
 */
export function remoteUri(remote: string, root: string): string {
  return cleanUri(remote, root) ?? pathToFileURL(root).href;
}

function cleanUri(remote: string, root: string): string | undefined {
  if (remote.includes('://')) return cleanUrl(remote);
  // `helper::address` is for a program that alone knows what the address means.
  if (/^[A-Za-z][\w.+-]*::/.test(remote)) return undefined;
  const isScp = remote.split('/', 1)[0]?.includes(':') === true;
  return isScp ? scpUri(remote) : pathToFileURL(resolve(root, remote)).href;
}

function cleanUrl(remote: string): string | undefined {
  if (!URL.canParse(remote)) return undefined;
  const url = new URL(remote);
  // An `@` here may stand after a password with a slash or `#` of its own, and its first half where the host should be.
  if (`${url.pathname}${url.search}${url.hash}`.includes('@')) return undefined;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.protocol === 'file:' ? url.href : `git+${url.href}`;
}

/** `user@host:path`. Git takes for a path what has a slash before its first colon. */
function scpUri(remote: string): string | undefined {
  const head = remote.split('/', 1)[0] ?? '';
  const host = /^(?:.*@)?(\[[\da-fA-F:.]+\]|[^:@[\]]+):/.exec(head);
  const given = remote.slice(host?.[0].length);
  if (!host || given.includes('@')) return undefined;
  const path = given.replace(/[?#].*$/s, '');
  return `git+ssh://${host[1]}/${path.replace(/^\/+/, '')}`;
}

/** The last two parts of a URI that `remoteUri` has cleaned. */
export function repositoryOf(uri: string): string {
  const [owner, name] = uri
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/')
    .slice(-2);
  return `${owner}/${name}`;
}
