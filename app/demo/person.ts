import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { ProbotOctokit } from 'probot';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Octokit } from '../../src/github/octokit.ts';

const run = promisify(execFile);

export interface RepositoryName {
  readonly owner: string;
  readonly repo: string;
}

/** Somebody with an account, who acts as people do: through git and through GitHub's REST API. */
export interface Person {
  readonly login: string;
  readonly octokit: Octokit;
  /** Clones, changes files (null deletes one), commits to the branch and pushes. Answers the commit. */
  push(repository: RepositoryName, branch: string, change: Change): Promise<string>;
  /** Pushes a tag of the branch. Answers its commit. */
  tag(repository: RepositoryName, branch: string, name: string): Promise<string>;
  openPull(repository: RepositoryName, title: string, head: string): Promise<number>;
  comment(repository: RepositoryName, pull: number, body: string): Promise<number>;
}

interface Change {
  readonly message: string;
  readonly files: Readonly<Record<string, string>>;
}

export function createPerson(sandbox: Sandbox, login: string): Person {
  const { token } = sandbox.createUser(login);
  const octokit = new ProbotOctokit({
    baseUrl: sandbox.apiUrl,
    auth: { token },
    throttle: { enabled: false },
    retry: { enabled: false },
  });
  const checkout = (repository: RepositoryName, branch: string): Promise<Checkout> =>
    openCheckout(join(sandbox.folder, 'people', login, repository.repo), {
      url: `${sandbox.url.replace('://', `://${login}:${token}@`)}/${repository.owner}/${repository.repo}.git`,
      login,
      branch,
    });
  return {
    login,
    octokit,
    push: async (repository, branch, change) => {
      const { folder, git } = await checkout(repository, branch);
      for (const [path, text] of Object.entries(change.files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--message', change.message);
      await git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
      return (await git('rev-parse', 'HEAD')).trim();
    },
    tag: async (repository, branch, name) => {
      const { git } = await checkout(repository, branch);
      await git('tag', name);
      await git('push', '--quiet', 'origin', `refs/tags/${name}`);
      return (await git('rev-parse', 'HEAD')).trim();
    },
    openPull: async (repository, title, head) =>
      (await octokit.rest.pulls.create({ ...repository, title, head, base: 'main' })).data.number,
    comment: async (repository, pull, body) =>
      (await octokit.rest.issues.createComment({ ...repository, issue_number: pull, body })).data.id,
  };
}

interface Checkout {
  readonly folder: string;
  readonly git: (...words: readonly string[]) => Promise<string>;
}

/** A fresh clone at the branch, or at main where there is no such branch yet. */
async function openCheckout(
  folder: string,
  { url, login, branch }: { readonly url: string; readonly login: string; readonly branch: string },
): Promise<Checkout> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const git = async (...words: readonly string[]): Promise<string> => {
    const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
    return (await run('git', ['-C', folder, ...words], { env })).stdout;
  };
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('config', 'user.name', login);
  await git('config', 'user.email', `${login}@users.noreply.github.test`);
  await git('remote', 'add', 'origin', url);
  await git('fetch', '--quiet', 'origin');
  const isThere = (await git('branch', '--remotes', '--list', `origin/${branch}`)).trim() !== '';
  await git('checkout', '--quiet', '-B', branch, isThere ? `origin/${branch}` : 'origin/main');
  return { folder, git };
}
