import { execFileSync, type StdioOptions } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const GIT_TIMEOUT_MS = 5000;

/** Where the source of a run comes from. */
export interface GitFacts {
  /** The remote without user and password, else the folder as a file URL. */
  readonly uri: string;
  readonly commit: string | null;
  /** For example `refs/heads/main`; null where HEAD is detached. */
  readonly ref: string | null;
  /** `owner/name` of the remote; the folder's name where there is none. */
  readonly repository: string;
}

/** Asks git; a folder that is no repository, or a machine without git, gives nulls. */
export function readGitFacts(root: string): GitFacts {
  const remote = git(root, 'config', '--get', 'remote.origin.url');
  return {
    uri: remote === null ? pathToFileURL(root).href : remoteUri(remote),
    commit: git(root, 'rev-parse', '--verify', '--quiet', 'HEAD'),
    ref: git(root, 'symbolic-ref', '--quiet', 'HEAD'),
    repository: remote === null ? `local/${root.split(/[\\/]/).at(-1)}` : repositoryOf(remote),
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

/** A remote may carry a token as its user: it must not enter the run. */
export function remoteUri(remote: string): string {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/\/)(.+)$/.exec(remote);
  if (scp) return `git+ssh://${scp[1]}/${scp[2]}`;
  if (!URL.canParse(remote)) return `file://${remote}`;
  const url = new URL(remote);
  url.username = '';
  url.password = '';
  url.search = '';
  return url.protocol === 'file:' ? url.href : `git+${url.href}`;
}

export function repositoryOf(remote: string): string {
  const [owner, name] = remote
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .slice(-2);
  return `${owner}/${name}`;
}
