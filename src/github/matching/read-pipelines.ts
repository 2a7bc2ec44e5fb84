import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CompileAnswer, CompileRequest } from '../../pipeline/compile.ts';
import type { RepositoryFiles } from './repository-files.ts';

const FOLDER = '.maestro';
const SINGLE_FILE = 'maestro.pipeline.yaml';
const FILE_NAME = /^(.+)\.(?:ya?ml|json)$/;
const RESERVED = ['policy', 'policy-cases', 'models'];
const PIPELINES_MAX = 100;
/** Files that a plan needs beside its own, and rounds of finding out which: a manifest, then what it lists. */
const TASK_FILES_MAX = 200;
const ROUNDS_MAX = 4;

/** The pipeline room's compiler, joined with a catalog of steps by the door. */
export type Compile = (request: Omit<CompileRequest, 'catalog'>) => CompileAnswer;

export interface SourceFile {
  /** `.maestro/ci.yaml` */
  readonly path: string;
  /** Undefined where the file is too large or no text; `reason` says which. */
  readonly text: string | undefined;
  readonly reason: string | null;
}

/** A repository's pipelines, sorted by path: `.maestro/*.yaml|yml|json` and `maestro.pipeline.yaml`, at most 100. */
export async function readPipelines(files: RepositoryFiles): Promise<readonly SourceFile[]> {
  const root = (await files.list('')) ?? [];
  const hasFolder = root.some(({ name, type }) => name === FOLDER && type === 'folder');
  const folder = hasFolder ? ((await files.list(FOLDER)) ?? []) : [];
  const names = folder.filter(({ name, type }) => type === 'file' && isPipelineName(name)).map(({ name }) => name);
  const paths = names.sort().map((name) => `${FOLDER}/${name}`);
  if (root.some(({ name, type }) => name === SINGLE_FILE && type === 'file')) paths.push(SINGLE_FILE);
  return Promise.all(paths.slice(0, PIPELINES_MAX).map((path) => readSource(files, path)));
}

/** Compiles a source whose tasks lie in the repository: again whenever it asked for a file that was not read yet. */
export async function compileSource(
  compile: Compile,
  source: { readonly path: string; readonly text: string },
  params: JsonObject,
  files: RepositoryFiles,
): Promise<CompileAnswer> {
  const known = new Map<string, Uint8Array | undefined>();
  for (let round = 1; ; round++) {
    const asked = new Set<string>();
    const read = (path: string): Uint8Array | undefined => {
      if (!known.has(path)) asked.add(path);
      return known.get(path);
    };
    const answer = compile({ ...source, params, files: { read } });
    if (asked.size === 0 || round === ROUNDS_MAX || known.size + asked.size > TASK_FILES_MAX) return answer;
    const paths = [...asked];
    const contents = await Promise.all(paths.map((path) => readIfSmall(files, path)));
    for (const [i, path] of paths.entries()) known.set(path, contents[i]);
  }
}

function isPipelineName(name: string): boolean {
  const stem = FILE_NAME.exec(name)?.[1];
  return stem !== undefined && !RESERVED.includes(stem);
}

async function readSource(files: RepositoryFiles, path: string): Promise<SourceFile> {
  try {
    const bytes = await files.read(path);
    return { path, text: bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes), reason: null };
  } catch (error) {
    if (error instanceof TypeError) return { path, text: undefined, reason: `${path} is not UTF-8 text` };
    if (isMaestroError(error, 'FILE_TOO_LARGE')) return { path, text: undefined, reason: error.message };
    throw error;
  }
}

/** A file beyond the limit is none: the finding names it as missing. */
async function readIfSmall(files: RepositoryFiles, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if (error instanceof MaestroError) return undefined;
    throw error;
  }
}
