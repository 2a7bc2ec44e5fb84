import { canonicalJson } from '../base/canonical-json.ts';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { type Artifact, OUTPUT_BYTES_MAX, type Outcome } from '../protocol/outcome.ts';
import type { OwnArtifact, StepFailure, StepSuccess } from '../steps/define.ts';
import { collectArtifacts } from './artifacts.ts';
import type { AttemptScope } from './attempt-scope.ts';
import type { EvaluatedStep } from './evaluated-step.ts';
import { storeCacheFiles } from './step-cache.ts';

/**
 * The outcome of a step that succeeded: its outputs, its artifacts, and its cache entry.
 *
 * Throws ARTIFACT_NOT_FOUND, EXPRESSION_FAILED, OUTPUT_INVALID, OUTPUT_TOO_LARGE, SECRET_IN_ARTIFACT.
 */
export async function keepSuccess(
  scope: AttemptScope,
  evaluated: EvaluatedStep,
  answer: StepSuccess,
): Promise<Outcome> {
  const outputs = await outputsOf(scope, evaluated, answer.result, answer.outputs);
  const artifacts = await keepArtifacts(scope, answer.artifacts ?? [], true);
  const exitCode = answer.exitCode === undefined ? {} : { exitCode: answer.exitCode };
  const isCached = await keepInCache(scope, evaluated, outputs, artifacts);
  return {
    kind: 'succeeded',
    ...exitCode,
    outputs,
    artifacts,
    ...(isCached && evaluated.cacheKey ? { cacheKey: evaluated.cacheKey } : {}),
  };
}

/** The outcome of a step that failed. Its reports are kept, since they say why; what is missing then is no second failure. */
export async function keepFailure(
  scope: AttemptScope,
  evaluated: EvaluatedStep,
  answer: StepFailure,
): Promise<Outcome> {
  const { result, outputs, artifacts: own, ...failure } = answer;
  const notKept = (error: unknown): void =>
    scope.annotations.addOwn({ level: 'warning', message: `not kept of the failed step: ${messageOf(error)}` });
  const kept: { outputs?: JsonObject; artifacts?: readonly Artifact[] } = {};
  try {
    if (result) kept.outputs = await outputsOf(scope, evaluated, result, outputs);
  } catch (error) {
    notKept(error);
  }
  try {
    kept.artifacts = await keepArtifacts(scope, own ?? [], false);
  } catch (error) {
    notKept(error);
  }
  return { ...failure, ...kept };
}

async function outputsOf(
  scope: AttemptScope,
  evaluated: EvaluatedStep,
  result: JsonObject,
  own: JsonObject | undefined,
): Promise<JsonObject> {
  const { step } = scope.lease;
  const isNamed = Object.keys(step.outputs).length > 0;
  const plain = isNamed
    ? await evaluated.evaluator.evaluate(step.outputs, { env: evaluated.contexts.env ?? {}, result })
    : (own ?? result);
  assertStorable(plain);
  const { value, isMasked } = scope.masker.maskJson(plain);
  if (isMasked)
    scope.annotations.addOwn({
      level: 'warning',
      message: 'an output held a secret: it was masked, and later steps read the mask',
    });
  return value;
}

function assertStorable(outputs: JsonObject): void {
  let text: string;
  try {
    text = canonicalJson(outputs);
  } catch (cause) {
    throw new MaestroError('OUTPUT_INVALID', `the outputs cannot be stored: ${messageOf(cause)}`, { cause });
  }
  if (text.includes('\\u0000'))
    throw new MaestroError('OUTPUT_INVALID', 'the outputs hold a NUL character, which cannot be stored');
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > OUTPUT_BYTES_MAX)
    throw new MaestroError(
      'OUTPUT_TOO_LARGE',
      `expected outputs of at most ${OUTPUT_BYTES_MAX} bytes, got ${sizeBytes}`,
    );
}

/** What the pipeline declares, then what the step itself keeps. */
async function keepArtifacts(
  scope: AttemptScope,
  own: readonly OwnArtifact[],
  isStrict: boolean,
): Promise<readonly Artifact[]> {
  const declared = scope.lease.step.artifacts.map(({ name, path, isRequired }) => ({
    name,
    paths: [path],
    isRequired,
  }));
  const specs = [...declared, ...own].map((spec) => (isStrict ? spec : { ...spec, isRequired: false }));
  const { artifacts, annotations } = await collectArtifacts(specs, scope.workingDirectory, scope.blobs);
  annotations.forEach(scope.annotations.add);
  return eachOnce(artifacts);
}

/** A file that the pipeline declares and the step keeps as well is one artifact. */
function eachOnce(artifacts: readonly Artifact[]): readonly Artifact[] {
  return [...new Map(artifacts.map((one) => [JSON.stringify([one.name, one.path, one.digest]), one])).values()];
}

/** A cache that does not work costs time, never the result. Throws SECRET_IN_ARTIFACT. */
async function keepInCache(
  scope: AttemptScope,
  { cacheKey }: EvaluatedStep,
  outputs: JsonObject,
  artifacts: readonly Artifact[],
): Promise<boolean> {
  const { lease, tools, workerId, held, blobs, workingDirectory } = scope;
  if (!lease.step.cache || !cacheKey) return false;
  try {
    const files = await storeCacheFiles(lease.step.cache.paths, workingDirectory, blobs);
    await tools.client.cachePut(workerId, held, { key: cacheKey, outputs, artifacts, files }, lease.step.cache.ttlMs);
    return true;
  } catch (error) {
    if (isMaestroError(error, 'SECRET_IN_ARTIFACT')) throw error;
    scope.annotations.addOwn({
      level: 'warning',
      message: `the result was not kept in the cache: ${messageOf(error)}`,
    });
    return false;
  }
}
