import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { globMatcher } from '../path-glob.ts';
import { atLine } from './containerfile.ts';
import type { ContextEntry, ContextFile } from './context-tree.ts';
import type { LayerEntry } from './layer.ts';
import type { CopyRequest } from './recipe.ts';

const FOLDER_MODE = 0o755;
const EXECUTABLE_MODE = 0o755;
const FILE_MODE = 0o644;
/** Folders that one pattern may stand for: each is looked for in the whole context. */
const FOLDERS_MAX = 1000;
/** Far enough for the mark of a tar archive. */
const MAGIC_BYTES = 265;
const ARCHIVES: readonly Buffer[] = [
  Buffer.from([0x1f, 0x8b]),
  Buffer.from('BZh'),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
];

type Owner = Pick<CopyRequest, 'uid' | 'gid'>;

/**
 * What stands where in the image, layer by layer.
 *
 * Nothing is ever put through a link of the image: whoever unpacks the layers would write where the link leads.
 */
export class ImageTree {
  readonly #kinds = new Map<string, LayerEntry['kind']>();

  /** The layer of a `WORKDIR`. */
  addFolder(path: string): readonly LayerEntry[] {
    const layer = new Map<string, LayerEntry>();
    this.#putFolder(layer, path, { uid: 0, gid: 0 }, 1);
    return sorted(layer);
  }

  /** The layer of a `COPY` or `ADD`. Throws INPUT_INVALID. */
  async addCopy(copy: CopyRequest, context: readonly ContextEntry[]): Promise<readonly LayerEntry[]> {
    const layer = new Map<string, LayerEntry>();
    const found = copy.sources.map((source) => matchesOf(source, context, copy));
    const isMany = found.flat().length > 1;
    const target = copy.target.replace(/^\/|\/$/g, '');
    const isIntoFolder = copy.target.endsWith('/') || isMany || target === '' || this.#kinds.get(target) === 'folder';
    for (const entry of found.flat()) {
      if (entry === ROOT || entry.kind === 'folder') {
        this.#putFolder(layer, target, copy, copy.line);
        const prefix = entry === ROOT ? '' : `${entry.path}/`;
        for (const inner of context.filter(({ path }) => path.startsWith(prefix)))
          await this.#put(layer, posix.join(target, inner.path.slice(prefix.length)), inner, copy);
      } else if (entry.kind === 'link') throw atLine(copy.line, `${entry.path} is a link: name what it leads to`);
      else await this.#put(layer, isIntoFolder ? posix.join(target, posix.basename(entry.path)) : target, entry, copy);
    }
    return sorted(layer);
  }

  async #put(layer: Map<string, LayerEntry>, path: string, entry: ContextEntry, copy: CopyRequest): Promise<void> {
    if (entry.kind === 'odd') throw atLine(copy.line, entry.reason);
    if (entry.kind === 'folder') return this.#putFolder(layer, path, copy, copy.line);
    this.#putFolder(layer, posix.dirname(path), copy, copy.line);
    if (this.#kinds.get(path) === 'folder') throw atLine(copy.line, `/${path} is a folder of the image already`);
    const { uid, gid } = copy;
    this.#kinds.set(path, entry.kind);
    if (entry.kind === 'link') return void layer.set(path, { kind: 'link', path, leadsTo: entry.leadsTo, uid, gid });
    if (copy.isAdd) await refuseArchive(entry, copy.line);
    const mode = copy.mode ?? (entry.isExecutable ? EXECUTABLE_MODE : FILE_MODE);
    layer.set(path, {
      kind: 'file',
      path,
      absolutePath: entry.absolutePath,
      sizeBytes: entry.sizeBytes,
      mode,
      uid,
      gid,
    });
  }

  /** The folder and those that it is in, as far as they are not there. */
  #putFolder(layer: Map<string, LayerEntry>, path: string, { uid, gid }: Owner, line: number): void {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    for (let count = 1; count <= names.length; count++) {
      const at = names.slice(0, count).join('/');
      const kind = this.#kinds.get(at);
      if (kind === 'folder') continue;
      if (kind !== undefined) throw atLine(line, `/${at} is a ${kind} of the image already, and no folder`);
      this.#kinds.set(at, 'folder');
      layer.set(at, { kind: 'folder', path: at, mode: FOLDER_MODE, uid, gid });
    }
  }
}

/** Stands for the whole context. */
const ROOT = Symbol('the context');

function matchesOf(
  source: string,
  context: readonly ContextEntry[],
  { line }: CopyRequest,
): readonly (ContextEntry | typeof ROOT)[] {
  if (source.split('/').includes('..')) throw atLine(line, `${source} leads out of the context`);
  const tidy = posix.normalize(`/${source}`).slice(1).replace(/\/$/, '');
  if (tidy === '') return [ROOT];
  const isGlob = /[*?[]/.test(tidy);
  const matches = isGlob ? globMatcher(tidy) : (path: string): boolean => path === tidy;
  const found = context.filter(({ path }) => matches(path));
  if (found.filter(({ kind }) => kind === 'folder').length > FOLDERS_MAX)
    throw atLine(line, `expected ${source} to stand for at most ${FOLDERS_MAX} folders`);
  if (found.length === 0) throw atLine(line, `${source} is not in the context, or its ignore file leaves it out`);
  return found;
}

/** Docker unpacks what looks like an archive; this builder does not, so it must not pass for one that does. */
async function refuseArchive({ path, absolutePath }: ContextFile, line: number): Promise<void> {
  const file = await open(absolutePath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    const isArchive =
      head.subarray(257, 262).toString('latin1') === 'ustar' ||
      ARCHIVES.some((magic) => head.subarray(0, magic.byteLength).equals(magic));
    if (isArchive)
      throw atLine(line, `ADD of the archive ${path} needs buildah, podman or docker: copy it, or unpack it before`);
  } finally {
    await file.close();
  }
}

/** By bytes, so that a folder comes before what is in it and no locale has a say. */
function sorted(layer: ReadonlyMap<string, LayerEntry>): readonly LayerEntry[] {
  return [...layer.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}
