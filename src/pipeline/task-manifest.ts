import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Digest, digestBytes, digestJson } from '../base/digest.ts';
import { MaestroError, messageOf } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { TASK_FILES_MAX, TASK_MANIFEST_BYTES_MAX } from './limits.ts';
import { pointerParts, shapeMessage } from './validate.ts';

export const TASK_MANIFEST_NAME = 'maestro.task.json';

/** What a step outside of the process says of itself, in `maestro.task.json` of its folder. */
export interface TaskManifest {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  /** Executable and first arguments, started in the task's folder: `["node", "main.js"]`. */
  readonly main: readonly string[];
  /** Files, relative to the folder, that the digest covers; the manifest itself always is. */
  readonly files: readonly string[];
  /** JSON Schema 2020-12 of `with`, and of the outputs. */
  readonly input?: JsonObject;
  readonly output?: JsonObject;
  /** Default false: a lost attempt waits for a person. */
  readonly isIdempotent: boolean;
  readonly capabilities: TaskCapabilities;
}

export interface TaskCapabilities {
  /** Hosts. */
  readonly network: readonly string[];
  readonly secrets: readonly string[];
  readonly runner?: string;
}

/** Files of the repository, by path from its root with `/`; undefined where there is no such file. */
export interface SourceTree {
  read(path: string): Uint8Array | undefined;
}

export interface Task {
  readonly manifest: TaskManifest;
  /** Covers the manifest and every file that it lists, with their paths. */
  readonly digest: Digest;
}

const TEXTS = { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: TASK_FILES_MAX };

/** JSON Schema 2020-12 of `maestro.task.json`. */
export const TASK_MANIFEST_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://maestro-conductor.dev/schema/task/v1',
  title: 'Maestro task',
  type: 'object',
  required: ['name', 'main'],
  properties: {
    $schema: { type: 'string' },
    name: { type: 'string', minLength: 1 },
    version: { type: 'string' },
    description: { type: 'string' },
    main: { ...TEXTS, minItems: 1 },
    files: TEXTS,
    input: { type: 'object' },
    output: { type: 'object' },
    isIdempotent: { type: 'boolean' },
    capabilities: {
      type: 'object',
      properties: { network: TEXTS, secrets: TEXTS, runner: { type: 'string', minLength: 1 } },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;

let compiled: ValidateFunction | undefined;

/** Reads a task's folder. Throws TASK_NOT_FOUND without a manifest, TASK_INVALID for a wrong one or a missing file. */
export function readTask(folder: string, tree: SourceTree): Task {
  const path = `${folder}/${TASK_MANIFEST_NAME}`;
  const bytes = tree.read(path);
  if (!bytes) throw new MaestroError('TASK_NOT_FOUND', `expected the file ${path}`);
  const manifest = parseTaskManifest(bytes, path);
  const digests: Record<string, Json> = { [TASK_MANIFEST_NAME]: digestBytes(bytes) };
  for (const file of manifest.files) {
    const inside = joinInside('', file);
    if (inside === undefined)
      throw new MaestroError('TASK_INVALID', `${path} lists "${file}", which is outside of the task`);
    const content = tree.read(`${folder}/${inside}`);
    if (!content) throw new MaestroError('TASK_INVALID', `${path} lists "${file}", which does not exist`);
    digests[inside] = digestBytes(content);
  }
  return { manifest, digest: digestJson(digests) };
}

/** Throws TASK_INVALID; `path` names the file in messages. */
export function parseTaskManifest(bytes: Uint8Array, path: string = TASK_MANIFEST_NAME): TaskManifest {
  if (bytes.byteLength > TASK_MANIFEST_BYTES_MAX) {
    throw new MaestroError(
      'TASK_INVALID',
      `${path}: expected at most ${TASK_MANIFEST_BYTES_MAX} bytes, got ${bytes.byteLength}`,
    );
  }
  const written = checkShape(parseJson(bytes, path), path);
  const { network = [], secrets = [], runner } = written.capabilities ?? {};
  const capabilities = { network, secrets, ...(runner !== undefined && { runner }) };
  return { ...written, files: written.files ?? [], isIdempotent: written.isIdempotent ?? false, capabilities };
}

/** A manifest as written, with the parts that may be left out. */
type WrittenManifest = Omit<TaskManifest, 'files' | 'isIdempotent' | 'capabilities'> & {
  readonly files?: readonly string[];
  readonly isIdempotent?: boolean;
  readonly capabilities?: Partial<TaskCapabilities>;
};

function checkShape(value: Json, path: string): WrittenManifest {
  compiled ??= new Ajv2020({ verbose: true }).compile(TASK_MANIFEST_SCHEMA);
  if (compiled(value)) return value as unknown as WrittenManifest;
  const [error] = compiled.errors ?? [];
  const place = error ? pointerParts(error.instancePath).join('.') : '';
  const reason = error ? shapeMessage(error) : 'is not a task';
  throw new MaestroError('TASK_INVALID', `${path}: ${place === '' ? '' : `${place}: `}${reason}`);
}

function parseJson(bytes: Uint8Array, path: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    throw new MaestroError('TASK_INVALID', `${path}: expected JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** A path below `base` with `.` and `..` resolved; undefined where it would leave the root or is absolute. */
export function joinInside(base: string, path: string): string | undefined {
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0') || /^[A-Za-z]:/.test(path)) return undefined;
  const parts = base === '' ? [] : base.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}
