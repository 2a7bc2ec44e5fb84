import { createReadStream } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { type Digest, digestJson } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { referencesOf } from '../pipeline/expression-references.ts';
import { hasExpression } from '../pipeline/template.ts';
import type { Lease } from '../protocol/lease.ts';
import type { Artifact } from '../protocol/outcome.ts';
import { type FoundFile, findFiles } from '../steps/files.ts';
import { mapLimited, TRANSFERS_AT_ONCE } from './artifacts.ts';
import type { BlobStore } from './blob-store.ts';

/** Files of one cache entry. */
const CACHE_FILES_MAX = 50_000;

/** What templates made of a step, as far as its cache is bound to it. */
export interface CacheInputs {
  /** Of `with` and the `env` of plan and step, evaluated, without values of secrets and what names this attempt alone. */
  readonly digest: Digest;
  readonly userKey: string;
  /** All that templates of `outputs` read but `result` and `env`. */
  readonly contexts: JsonObject;
}

/**
 * The key under which a result is kept: the user's key, bound to everything that is known to decide what the step leaves
 * behind, so that neither an edited step, nor another parameter, source, or kind of machine finds the result of another.
 *
 * That is the repository and whether the run is of a fork; pipeline, step, combination of the matrix and code; the inputs, with
 * templates evaluated; what the templates of `outputs` read beside `result`; what is kept; and the runner's class, system and
 * architecture. Of secrets the names count, not the values.
 */
export function cacheKey(lease: Lease, inputs: CacheInputs): string {
  const { step, contexts } = lease;
  const pipelineName = contexts.run.pipeline;
  const bound: JsonObject = {
    pipeline: typeof pipelineName === 'string' ? pipelineName : lease.planDigest,
    step: step.base,
    matrix: step.matrix ?? null,
    code: step.code.digest ?? step.code.uri,
    uses: step.uses,
    inputs: inputs.digest,
    repository: contexts.github.repository ?? null,
    source: contexts.run.source ?? null,
    isFork: contexts.run.isFork ?? null,
    runner: step.runner,
    os: platform(),
    arch: arch(),
    secrets: step.secrets,
    outputs: step.outputs,
    outputsRead: readByOutputs(step.outputs, inputs.contexts),
    artifacts: step.artifacts as unknown as Json,
    paths: step.cache?.paths ?? [],
    workingDirectory: step.workingDirectory ?? null,
    key: inputs.userKey,
  };
  return digestJson(bound);
}

/** The contexts that `outputs` read, whole: what a template takes of them is known only when it is evaluated. */
function readByOutputs(outputs: Readonly<Record<string, string>>, contexts: JsonObject): JsonObject {
  const names = new Set(
    Object.values(outputs)
      .filter(hasExpression)
      .flatMap((text) => [...referencesOf(text).contexts]),
  );
  return Object.fromEntries(
    [...names].flatMap((name): [string, Json][] => {
      const value = contexts[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Stores the files of a cache entry. `name` keeps what a digest cannot: see `RestoredFile`. */
export async function storeCacheFiles(
  paths: readonly string[],
  workingDirectory: string,
  blobs: BlobStore,
): Promise<readonly Artifact[]> {
  if (paths.length === 0) return [];
  const { files } = await findFiles(workingDirectory, paths, true);
  if (files.length > CACHE_FILES_MAX)
    throw new MaestroError(
      'OUTPUT_TOO_LARGE',
      `expected at most ${CACHE_FILES_MAX} files in a cache, found ${files.length}`,
    );
  return mapLimited(files, TRANSFERS_AT_ONCE, async (file) => ({
    name: file.kind,
    path: file.path,
    ...(await blobs.put(() => contentOf(file), file.path)),
  }));
}

function contentOf({ kind, absolutePath }: FoundFile): AsyncIterable<Uint8Array> {
  return kind === 'link' ? targetOf(absolutePath) : createReadStream(absolutePath);
}

async function* targetOf(link: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(await readlink(link));
}
