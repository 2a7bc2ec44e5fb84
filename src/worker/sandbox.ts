import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { isInside } from '../steps/checkout-path.ts';

/** A folder for one attempt, readable by this user only. */
export async function makeTemporaryFolder(root: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  return realpath(await mkdtemp(join(root, 'attempt-')));
}

/** Removes the folder with all that a step left in it, also folders that it made unreadable. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(path, entry.name));
  }
}

/**
 * The real path of the folder in which a step works.
 * @throws MaestroError STEP_NOT_STARTED where it does not exist or lies outside the checkout, by `..` or through a link
 */
export async function workingDirectoryOf(repositoryRoot: string, given: string | undefined): Promise<string> {
  const root = await realpath(repositoryRoot);
  const path = await realpath(resolve(root, given ?? '.')).catch((cause: unknown) => {
    throw new MaestroError('STEP_NOT_STARTED', `the working directory ${given ?? '.'} does not exist in the checkout`, {
      cause,
    });
  });
  if (!isInside(root, path))
    throw new MaestroError('STEP_NOT_STARTED', `expected a working directory inside the checkout, got ${given ?? '.'}`);
  if (!(await stat(path)).isDirectory())
    throw new MaestroError('STEP_NOT_STARTED', `expected a folder as working directory, got the file ${given ?? '.'}`);
  return path;
}
