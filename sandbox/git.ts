import { spawn } from 'node:child_process';
import { isolatedGitEnvironment } from './git-environment.ts';

export const ZERO_SHA = '0'.repeat(40);
const SHA = /^[0-9a-f]{40}$/;
const ANSWERS_KEPT = 2000;

export interface GitCommit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly author: GitPerson;
  readonly committer: GitPerson;
}

export interface GitPerson {
  readonly name: string;
  readonly email: string;
  readonly date: string;
}

export interface GitFile {
  readonly path: string;
  readonly status: 'added' | 'removed' | 'modified' | 'renamed';
  readonly previousPath: string | null;
  readonly additions: number;
  readonly deletions: number;
  readonly sha: string;
  readonly patch: string;
}

export interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | null;
}

class GitError extends Error {
  override readonly name = 'GitError';
}

/** One bare repository. Everything is done by the `git` program. */
export class Git {
  readonly folder: string;
  /** Answers about objects, which never change: a process costs more than all else that a request does. */
  readonly #known = new Map<string, Promise<unknown>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  static async create(folder: string, defaultBranch: string): Promise<Git> {
    await run(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, folder], {});
    const git = new Git(folder);
    await git.text(['config', 'http.receivepack', 'true']);
    await git.text(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
    await git.text(['config', 'receive.hideRefs', 'refs/pull']);
    await git.text(['config', 'gc.auto', '0']);
    return git;
  }

  async text(words: readonly string[], input?: Buffer | string): Promise<string> {
    return (await this.bytes(words, input)).toString();
  }

  async bytes(
    words: readonly string[],
    input?: Buffer | string,
    environment?: Record<string, string>,
  ): Promise<Buffer> {
    return await run(['--git-dir', this.folder, ...words], {
      ...(input === undefined ? {} : { input }),
      ...(environment === undefined ? {} : { environment }),
    });
  }

  /** The commit that a SHA, branch, tag or full ref names, or null. */
  async resolve(name: string): Promise<string | null> {
    if (name.startsWith('-') || name === '') return null;
    if (SHA.test(name) && (await this.typeOf(name)) === 'commit') return name;
    const tries = name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`, `refs/${name}`, name];
    for (const attempt of tries) {
      const sha = await this.tryText(['rev-parse', '--verify', '--quiet', '--end-of-options', `${attempt}^{commit}`]);
      if (sha !== null) return sha;
    }
    return null;
  }

  async refs(): Promise<ReadonlyMap<string, string>> {
    const out = await this.text(['for-each-ref', '--format=%(refname) %(objectname)']);
    return new Map(
      out
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ') as [string, string]),
    );
  }

  async updateRef(ref: string, sha: string | null): Promise<void> {
    await this.text(sha === null ? ['update-ref', '-d', ref] : ['update-ref', ref, sha]);
  }

  async isAncestor(older: string, newer: string): Promise<boolean> {
    return (await this.tryText(['merge-base', '--is-ancestor', older, newer])) !== null;
  }

  async mergeBase(one: string, other: string): Promise<string | null> {
    return await this.#remembered(`base ${one} ${other}`, () => this.tryText(['merge-base', one, other]));
  }

  async typeOf(sha: string): Promise<string | null> {
    return await this.#remembered(`type ${sha}`, () => this.tryText(['cat-file', '-t', sha]));
  }

  async commit(sha: string): Promise<GitCommit> {
    return await this.#remembered(`commit ${sha}`, () => this.#readCommit(sha));
  }

  async #readCommit(sha: string): Promise<GitCommit> {
    const format = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x00');
    const parts = (await this.text(['show', '-s', `--format=${format}`, sha, '--'])).split('\0');
    const [id = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', body = ''] = parts;
    return {
      sha: id,
      tree,
      parents: parents.split(' ').filter(Boolean),
      message: body.trimEnd(),
      author: { name: an, email: ae, date: utc(ad) },
      committer: { name: cn, email: ce, date: utc(cd) },
    };
  }

  /** Newest first. */
  async log(range: readonly string[], max: number, path?: string): Promise<readonly string[]> {
    const out = await this.text([
      'rev-list',
      `--max-count=${max}`,
      ...range,
      '--',
      ...(path === undefined ? [] : [path]),
    ]);
    return out.split('\n').filter(Boolean);
  }

  async tree(sha: string, isRecursive: boolean): Promise<readonly TreeEntry[]> {
    return await this.#remembered(`tree ${isRecursive} ${sha}`, async () => {
      const out = await this.text(['ls-tree', '-l', '-z', ...(isRecursive ? ['-r', '-t'] : []), sha]);
      return out.split('\0').filter(Boolean).map(treeEntry);
    });
  }

  async entry(commit: string, path: string): Promise<TreeEntry | null> {
    const out = await this.text(['ls-tree', '-l', '-z', commit, '--', path.replace(/\/$/, '')]);
    const line = out.split('\0')[0];
    return line === undefined || line === '' ? null : treeEntry(line);
  }

  async blob(sha: string): Promise<Buffer> {
    return await this.#remembered(`blob ${sha}`, () => this.bytes(['cat-file', 'blob', sha]));
  }

  async writeBlob(content: Buffer): Promise<string> {
    return (await this.text(['hash-object', '-w', '--stdin'], content)).trim();
  }

  /** A tree made of another one and changes. */
  async writeTree(
    base: string | null,
    entries: readonly { path: string; mode: string; sha: string | null }[],
  ): Promise<string> {
    const index = `${this.folder}/index-${crypto.randomUUID()}`;
    const environment = { GIT_INDEX_FILE: index };
    await this.bytes(base === null ? ['read-tree', '--empty'] : ['read-tree', base], undefined, environment);
    const lines = entries.map(({ path, mode, sha }) =>
      sha === null ? `0 ${ZERO_SHA}\t${path}\0` : `${mode} ${sha}\t${path}\0`,
    );
    await this.bytes(['update-index', '-z', '--index-info'], lines.join(''), environment);
    return (await this.bytes(['write-tree'], undefined, environment)).toString().trim();
  }

  async writeCommit(options: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    readonly author: GitPerson;
  }): Promise<string> {
    const { tree, parents, message, author } = options;
    const environment = {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_AUTHOR_DATE: author.date,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
      GIT_COMMITTER_DATE: author.date,
    };
    const words = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
    return (await this.bytes(words, message, environment)).toString().trim();
  }

  /** Files changed between two commits, renames found, with the patch GitHub shows. */
  async files(from: string, to: string): Promise<readonly GitFile[]> {
    return await this.#remembered(`files ${from} ${to}`, () => this.#readFiles(from, to));
  }

  async #readFiles(from: string, to: string): Promise<readonly GitFile[]> {
    const raw = (await this.text(['diff', '--raw', '-z', '-M', '--no-abbrev', from, to])).split('\0');
    const counts = numstat((await this.text(['diff', '--numstat', '-z', '-M', from, to])).split('\0'));
    const files: GitFile[] = [];
    for (const { path, previousPath, sha, letter } of rawChanges(raw)) {
      const patch = await this.text(['diff', '-M', from, to, '--', path]);
      const [additions, deletions] = counts.get(path) ?? [0, 0];
      const hunks = patch.slice(Math.max(0, patch.indexOf('\n@@') + 1)).replace(/\n$/, '');
      files.push({
        path,
        previousPath,
        sha,
        additions,
        deletions,
        status: STATUSES[letter] ?? 'modified',
        patch: hunks,
      });
    }
    return files;
  }

  /** The tree of a merge, or null if it conflicts. */
  async mergedTree(base: string, head: string): Promise<string | null> {
    return await this.#remembered(`merge ${base} ${head}`, async () => {
      return (await this.tryText(['merge-tree', '--write-tree', base, head]))?.split('\n')[0] ?? null;
    });
  }

  async fetch(from: string, refspec: string): Promise<void> {
    await this.text(['fetch', '--quiet', '--no-tags', from, refspec]);
  }

  /** Only what is asked by whole SHAs alone; what is not there yet, or fails, is asked again. */
  async #remembered<T>(question: string, ask: () => Promise<T>): Promise<T> {
    if (
      !question
        .split(' ')
        .slice(1)
        .every((word) => SHA.test(word) || word === 'true' || word === 'false')
    )
      return ask();
    const known = this.#known.get(question);
    if (known) return (await known) as T;
    const answer = ask();
    this.#known.set(question, answer);
    const oldest = this.#known.size > ANSWERS_KEPT ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    const value = await answer.catch((error: unknown) => {
      this.#known.delete(question);
      throw error;
    });
    if (value === null) this.#known.delete(question);
    return value;
  }

  private async tryText(words: readonly string[]): Promise<string | null> {
    try {
      return (await this.text(words)).trim();
    } catch (error) {
      if (error instanceof GitError) return null;
      throw error;
    }
  }
}

async function run(
  words: readonly string[],
  { input, environment = {} }: { readonly input?: Buffer | string; readonly environment?: Record<string, string> },
): Promise<Buffer> {
  const child = spawn('git', words, { env: { ...isolatedGitEnvironment(), ...environment } });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined); // git may end before it has read everything
  child.stdin.end(input ?? '');
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new GitError(`git ${words.slice(0, 4).join(' ')}: ${Buffer.concat(err).toString().trim()}`);
  return Buffer.concat(out);
}

function utc(date: string): string {
  return `${new Date(date).toISOString().slice(0, 19)}Z`;
}

function treeEntry(line: string): TreeEntry {
  const [facts = '', path = ''] = line.split('\t');
  const [mode = '', type = '', sha = '', size = '-'] = facts.split(/ +/);
  return { path, mode, type, sha, size: size === '-' ? null : Number(size) };
}

const STATUSES: Readonly<Record<string, GitFile['status']>> = { A: 'added', C: 'added', D: 'removed', R: 'renamed' };

/** `:100644 100644 <sha> <sha> R100`, then one path, or two for a rename. */
function* rawChanges(
  parts: readonly string[],
): Generator<Pick<GitFile, 'path' | 'previousPath' | 'sha'> & { readonly letter: string }> {
  for (let at = 0; parts[at]?.startsWith(':') === true; ) {
    const [, , , sha = '', score = ''] = (parts[at] ?? '').split(' ');
    const letter = score.slice(0, 1);
    const [first = '', second = ''] = parts.slice(at + 1, at + 3);
    const isMoved = letter === 'R' || letter === 'C';
    yield { path: isMoved ? second : first, previousPath: letter === 'R' ? first : null, sha, letter };
    at += isMoved ? 3 : 2;
  }
}

function numstat(parts: readonly string[]): Map<string, readonly [number, number]> {
  const counts = new Map<string, readonly [number, number]>();
  for (let at = 0; at < parts.length; at += 1) {
    const [added, removed, path] = (parts[at] ?? '').split('\t');
    if (path === undefined) continue;
    const isMoved = path === '';
    counts.set(isMoved ? (parts[at + 2] ?? '') : path, [Number(added) || 0, Number(removed) || 0]);
    if (isMoved) at += 2;
  }
  return counts;
}
