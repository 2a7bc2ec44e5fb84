import { isDigest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import {
  ANNOTATION_BYTES_MAX,
  ANNOTATIONS_MAX,
  type Annotation,
  ARTIFACTS_MAX,
  type Artifact,
  EXIT_CODE_MAX,
  EXIT_CODE_MIN,
  type Isolation,
  OUTPUT_BYTES_MAX,
  OUTPUT_DEPTH_MAX,
  type Outcome,
} from '../protocol/outcome.ts';
import { shapeOf } from './json-weight.ts';

const MESSAGE_CHARS_MAX = 4000;
/** The shortest value takes a character, and one to part it from the next. */
const VALUES_MAX = OUTPUT_BYTES_MAX / 2 + 1;

/**
 * Holds what a worker says of an attempt to the limits that receipts, and whoever loads the run, rely on. Remarks that are
 * too many are left out: they are in the log.
 * @param isolation how the worker keeps steps apart, as it said when it registered
 * @throws OUTPUT_TOO_LARGE, OUTPUT_INVALID
 */
export function checkOutcome(outcome: Outcome, isolation: Isolation | null): Outcome {
  const { kind, exitCode, outputs, artifacts, annotations, message } = outcome;
  if (exitCode !== undefined) checkExitCode(kind, exitCode);
  if (outputs) checkOutputs(outputs);
  if (artifacts) checkArtifacts(artifacts);
  return {
    ...outcome,
    ...(message === undefined ? {} : { message: message.slice(0, MESSAGE_CHARS_MAX) }),
    ...(annotations ? { annotations: boundedAnnotations(annotations) } : {}),
    ...(isolation === null ? {} : { isolation }),
  };
}

/** @throws OUTPUT_TOO_LARGE, OUTPUT_INVALID */
export function checkOutputs(outputs: JsonObject): void {
  const { values, depth } = shapeOf(outputs, VALUES_MAX);
  if (depth > OUTPUT_DEPTH_MAX)
    throw new MaestroError('OUTPUT_INVALID', `expected outputs that nest no deeper than ${OUTPUT_DEPTH_MAX}`);
  const sizeBytes = values > VALUES_MAX ? Number.POSITIVE_INFINITY : sizeOf(outputs);
  if (sizeBytes > OUTPUT_BYTES_MAX)
    throw new MaestroError('OUTPUT_TOO_LARGE', `expected outputs of at most ${OUTPUT_BYTES_MAX} bytes`);
}

/** @throws OUTPUT_TOO_LARGE, OUTPUT_INVALID */
export function checkArtifacts(artifacts: readonly Artifact[]): void {
  if (artifacts.length > ARTIFACTS_MAX)
    throw new MaestroError('OUTPUT_TOO_LARGE', `expected at most ${ARTIFACTS_MAX} artifact files`);
  // A receipt that says otherwise is refused by who verifies it.
  const isSound = ({ name, path, digest, sizeBytes }: Artifact): boolean =>
    name !== '' && path !== '' && isDigest(digest) && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0;
  if (!artifacts.every(isSound))
    throw new MaestroError('OUTPUT_INVALID', 'expected artifacts with a name, a path, a digest and a size');
}

function checkExitCode(kind: Outcome['kind'], exitCode: number): void {
  if (!Number.isInteger(exitCode) || exitCode < EXIT_CODE_MIN || exitCode > EXIT_CODE_MAX)
    throw new MaestroError('OUTPUT_INVALID', 'expected an exit status of 32 bits');
  if (kind === 'succeeded' && exitCode !== 0)
    throw new MaestroError('OUTPUT_INVALID', `expected exit status 0 of a step that succeeded, got ${exitCode}`);
}

/** The first ones that fit; the last place is for the one that says how many are missing. */
function boundedAnnotations(annotations: readonly Annotation[]): readonly Annotation[] {
  const kept: Annotation[] = [];
  let sizeBytes = 0;
  for (const annotation of annotations) {
    sizeBytes += sizeOf(annotation as unknown as Json);
    const isLast = kept.length === annotations.length - 1;
    if (sizeBytes > ANNOTATION_BYTES_MAX || (kept.length === ANNOTATIONS_MAX - 1 && !isLast)) break;
    kept.push(annotation);
  }
  return kept.length === annotations.length ? annotations : [...kept, missing(annotations.length - kept.length)];
}

/** Stands for annotations that were left out. */
export function missing(count: number): Annotation {
  return { level: 'notice', message: `${count} more annotations are in the log only` };
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
