import { lstat, realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { isInside, readTextInside } from '../checkout-path.ts';
import { CONTAINERFILE_BYTES_MAX, type Containerfile, parseContainerfile } from './containerfile.ts';
import { IGNORE_BYTES_MAX, type Ignores, ignoreFileNames, parseIgnoreFile } from './ignore-file.ts';

const NAMES = ['Containerfile', 'Dockerfile'] as const;

export interface BuildInput {
  readonly context?: string;
  readonly file?: string;
  /** Another name of `file`. */
  readonly dockerfile?: string;
  readonly tags?: readonly string[];
  readonly platforms?: readonly string[];
  readonly args?: Readonly<Record<string, string>>;
  readonly builder?: 'auto' | 'buildah' | 'podman' | 'docker' | 'scratch';
  readonly output?: string;
  readonly cache?: boolean;
  readonly sbom?: boolean;
}

export interface BuildFiles {
  readonly contextRoot: string;
  readonly containerfile: Containerfile;
  readonly absolutePath: string;
  /** Relative to the working directory. */
  readonly containerfilePath: string;
  readonly ignores: Ignores;
}

/** What a build reads before it copies anything; all of it lies below `root`. Throws INPUT_INVALID. */
export async function readBuildFiles(
  root: string,
  { context = '.', file, dockerfile }: BuildInput,
): Promise<BuildFiles> {
  const contextRoot = await realpath(resolve(root, context)).catch(() => undefined);
  if (contextRoot === undefined || !isInside(await realpath(root), contextRoot))
    throw new MaestroError(
      'INPUT_INVALID',
      `expected the context to be a folder of the working directory, got ${context}`,
    );
  const name = file ?? dockerfile;
  const absolutePath = name === undefined ? await usualFile(contextRoot) : resolve(root, name);
  const text = await readTextInside(root, absolutePath, CONTAINERFILE_BYTES_MAX);
  const containerfile = parseContainerfile(text);
  const ignores = await readIgnores(root, contextRoot, absolutePath);
  return { contextRoot, containerfile, absolutePath, containerfilePath: relative(root, absolutePath), ignores };
}

async function usualFile(contextRoot: string): Promise<string> {
  for (const name of NAMES) if (await isThere(join(contextRoot, name))) return join(contextRoot, name);
  throw new MaestroError('INPUT_INVALID', `expected a ${NAMES.join(' or ')} in the context, or its name in with.file`);
}

async function readIgnores(root: string, contextRoot: string, containerfile: string): Promise<Ignores> {
  for (const name of ignoreFileNames(containerfile)) {
    const path = resolve(contextRoot, name);
    if (await isThere(path)) return parseIgnoreFile(await readTextInside(root, path, IGNORE_BYTES_MAX));
  }
  return () => false;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
