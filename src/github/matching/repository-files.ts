import { Buffer } from 'node:buffer';
import { MaestroError } from '../../base/errors.ts';
import type { RepositoryFacts } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';

/** Content is named by its hash, so it is kept for all repositories and never grows old. */
const CACHE_BYTES_MAX = 32 * 1_048_576;
const CACHED_FILE_BYTES_MAX = 262_144;
const FILE_BYTES_MAX = 1_048_576;
const SYMLINK = '120000';

interface TreeEntry {
  readonly name: string;
  readonly type: 'file' | 'folder';
  readonly sha: string;
  readonly sizeBytes: number;
}

/** The files of a repository at one commit, over git's own objects. */
export interface RepositoryFiles {
  /** Undefined where there is no such folder. `''` is the root. Links and submodules are left out. */
  list(folder: string): Promise<readonly TreeEntry[] | undefined>;
  /** Undefined where there is no such file. @throws FILE_TOO_LARGE beyond 1 MiB */
  read(path: string): Promise<Uint8Array | undefined>;
}

/** Contents by hash, shared by everything that reads repositories in this process. */
export class BlobCache {
  readonly #blobs = new Map<string, Uint8Array>();
  #sizeBytes = 0;

  get(sha: string): Uint8Array | undefined {
    return this.#blobs.get(sha);
  }

  set(sha: string, bytes: Uint8Array): void {
    if (bytes.byteLength > CACHED_FILE_BYTES_MAX || this.#blobs.has(sha)) return;
    this.#blobs.set(sha, bytes);
    this.#sizeBytes += bytes.byteLength;
    for (const [oldest, old] of this.#blobs) {
      if (this.#sizeBytes <= CACHE_BYTES_MAX) break;
      this.#blobs.delete(oldest);
      this.#sizeBytes -= old.byteLength;
    }
  }
}

/** Reads at a commit; one that is gone, or of a repository without commits, has no files. */
export function openRepositoryFiles(
  octokit: Octokit,
  repository: RepositoryFacts,
  commit: string,
  cache: BlobCache,
): RepositoryFiles {
  const place = { owner: repository.owner, repo: repository.name };
  const folders = new Map<string, Promise<readonly TreeEntry[] | undefined>>();

  const treeOf = async (sha: string): Promise<readonly TreeEntry[]> => {
    const { data } = await octokit.rest.git.getTree({ ...place, tree_sha: sha });
    return data.tree.flatMap(({ path, type, mode, sha: entry, size }) =>
      entry && path && mode !== SYMLINK && (type === 'blob' || type === 'tree')
        ? [{ name: path, type: type === 'blob' ? 'file' : 'folder', sha: entry, sizeBytes: size ?? 0 } as const]
        : [],
    );
  };
  const entryOf = async (path: string): Promise<TreeEntry | undefined> => {
    const cut = path.lastIndexOf('/');
    const siblings = await list(path.slice(0, Math.max(0, cut)));
    return siblings?.find(({ name }) => name === path.slice(cut + 1));
  };
  const open = async (folder: string): Promise<readonly TreeEntry[] | undefined> => {
    if (folder === '') return treeOf(commit).catch(absent);
    const entry = await entryOf(folder);
    return entry?.type === 'folder' ? treeOf(entry.sha) : undefined;
  };
  const list = (folder: string): Promise<readonly TreeEntry[] | undefined> => {
    const known = folders.get(folder) ?? open(folder);
    folders.set(folder, known);
    return known;
  };
  return {
    list,
    read: async (path) => {
      const entry = await entryOf(path);
      if (entry?.type !== 'file') return undefined;
      const cached = cache.get(entry.sha);
      if (cached) return cached;
      if (entry.sizeBytes > FILE_BYTES_MAX)
        throw new MaestroError(
          'FILE_TOO_LARGE',
          `${path} has ${entry.sizeBytes} bytes, expected at most ${FILE_BYTES_MAX}`,
        );
      const { data } = await octokit.rest.git.getBlob({ ...place, file_sha: entry.sha });
      const bytes = Buffer.from(data.content, data.encoding === 'base64' ? 'base64' : 'utf8');
      cache.set(entry.sha, bytes);
      return bytes;
    },
  };
}

/** 404: no such commit. 409: a repository without commits. */
function absent(error: unknown): undefined {
  const { status } = error as { readonly status?: unknown };
  if (status === 404 || status === 409) return undefined;
  throw error;
}
