import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import type { PipelineSource } from './context.ts';

/** A file beyond this is not read at all; the language's own limit is lower and has its own finding. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const FOLDER = '.maestro';
const SINGLE_FILE = 'maestro.pipeline.yaml';
const EXTENSIONS = ['.yaml', '.yml', '.json'];
const RESERVED = ['policy', 'policy-cases', 'models'];

/** The project's pipelines, sorted by name. Absolute. */
export function listPipelineFiles(root: string): readonly string[] {
  const single = join(root, SINGLE_FILE);
  return [...filesIn(join(root, FOLDER)), ...(isFile(single) ? [single] : [])];
}

/**
 * Finds the file that `name` means: a path, else the pipeline of that name; without one, the only pipeline there is.
 * @throws MaestroError PIPELINE_NOT_FOUND listing what exists
 */
export function resolvePipeline(name: string | undefined, cwd: string, root: string): string {
  if (name === undefined) return onlyPipeline(root);
  const path = resolve(cwd, name);
  if (exists(path) && !isNameOfPipeline(name, root)) return path;
  const found = candidatesOf(name, root).find((file) => isFile(file)) ?? fileThatNamesItself(name, root);
  if (found) return found;
  throw new MaestroError('PIPELINE_NOT_FOUND', `there is no file and no pipeline '${name}'${whatExists(root)}`);
}

/**
 * Reads a pipeline.
 * @throws MaestroError FILE_NOT_READABLE (missing, a folder, not text), FILE_TOO_LARGE
 */
export function readPipelineSource(path: string, root: string): PipelineSource {
  const shown = shownPath(path, root);
  return { path: shown, text: readTextFile(path, shown) };
}

/** The name of a file within the project, `/` as separator. */
export function shownPath(path: string, root: string): string {
  return relative(root, path).split(sep).join('/') || '.';
}

function readTextFile(path: string, shown: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new MaestroError('FILE_NOT_READABLE', `${shown} does not exist`);
  if (stat.isDirectory()) throw new MaestroError('FILE_NOT_READABLE', `${shown} is a folder, expected a pipeline file`);
  if (!stat.isFile()) throw new MaestroError('FILE_NOT_READABLE', `${shown} is not a regular file`);
  if (stat.size > FILE_BYTES_MAX) {
    throw new MaestroError('FILE_TOO_LARGE', `${shown} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
  }
  return decodeText(readBytes(path, shown), shown);
}

function readBytes(path: string, shown: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new MaestroError('FILE_NOT_READABLE', `${shown} cannot be read`, { cause: error });
  }
}

function decodeText(bytes: Uint8Array, shown: string): string {
  if (bytes.includes(0)) throw new MaestroError('FILE_NOT_READABLE', `${shown} is a binary file, expected text`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new MaestroError('FILE_NOT_READABLE', `${shown} is not UTF-8 text`, { cause: error });
  }
}

function filesIn(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && EXTENSIONS.includes(extname(entry.name)) && !isReserved(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

function isReserved(fileName: string): boolean {
  return RESERVED.includes(fileName.slice(0, -extname(fileName).length));
}

function onlyPipeline(root: string): string {
  const files = listPipelineFiles(root);
  const [only] = files;
  if (files.length === 1 && only) return only;
  const reason = files.length === 0 ? 'this project has no pipeline' : 'expected the name of a pipeline';
  throw new MaestroError('PIPELINE_NOT_FOUND', `${reason}${whatExists(root)}`);
}

/** `ci` means the pipeline, also where a folder of that name exists. */
function isNameOfPipeline(name: string, root: string): boolean {
  return !name.includes('/') && extname(name) === '' && candidatesOf(name, root).some(isFile);
}

function candidatesOf(name: string, root: string): readonly string[] {
  if (!/^[\w.-]+$/.test(name) || isReserved(`${name}.yaml`)) return [];
  return [FOLDER, join('templates', 'pipelines')].flatMap((folder) =>
    EXTENSIONS.map((extension) => join(root, folder, name + extension)),
  );
}

function fileThatNamesItself(name: string, root: string): string | undefined {
  if (!/^[a-z0-9-]+$/.test(name)) return undefined;
  const declaration = new RegExp(`^\\s*"?name"?\\s*:\\s*["']?${name}["']?\\s*(?:[,#]|$)`, 'm');
  return listPipelineFiles(root).find((file) => declaration.test(readPipelineSource(file, root).text));
}

function whatExists(root: string): string {
  const files = listPipelineFiles(root).map((file) => relative(root, file));
  return files.length === 0 ? '' : `; there are ${files.join(', ')}`;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
