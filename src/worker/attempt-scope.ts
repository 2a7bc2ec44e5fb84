import { realpath } from 'node:fs/promises';
import { MaestroError } from '../base/errors.ts';
import { meaningfulBytes } from '../base/secret-forms.ts';
import type { HeldLease, Lease, LeaseClient } from '../protocol/lease.ts';
import type { StepDefinition } from '../steps/define.ts';
import { AnnotationCollector } from './annotations/collector.ts';
import type { Attempt } from './attempt.ts';
import { AttemptLog } from './attempt-log.ts';
import { type BlobStore, blobStoreOf } from './blob-store.ts';
import type { StepIsolation } from './isolation.ts';
import { LogStream } from './log-stream.ts';
import { Masker, SECRET_BYTES_MIN } from './mask.ts';
import { type Pause, REAL_PAUSE } from './pause.ts';
import { workingDirectoryOf } from './sandbox.ts';
import { SecretScan } from './secret-scan.ts';

/** What a worker needs to run steps. Paths are absolute. */
export interface ExecuteTools {
  readonly client: LeaseClient;
  /** Steps by the name that `uses` gives; `task` runs `./path` and `pkg:`. */
  readonly steps: ReadonlyMap<string, StepDefinition>;
  /** The checkout that steps work in. */
  readonly repositoryRoot: string;
  /** Holds one folder per attempt, while it runs. */
  readonly temporaryRoot: string;
  /** The worker's own environment: steps see an allow-list of it. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  readonly runnerName: string;
  /** Marks the programs of this worker, so that none of them outlives it. */
  readonly workerToken?: string;
  /** Default: `process`. */
  readonly isolation?: StepIsolation;
  readonly pause?: Pause;
  /** Between SIGTERM and SIGKILL. */
  readonly killGraceMs?: number;
  /** Bytes of one log that are stored. */
  readonly logBytesMax?: number;
}

/** Everything that belongs to one attempt while it runs. */
export interface AttemptScope {
  readonly attempt: Attempt;
  readonly lease: Lease;
  readonly held: HeldLease;
  readonly workerId: number;
  readonly tools: ExecuteTools;
  readonly temporaryDirectory: string;
  readonly workingDirectory: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly masker: Masker;
  readonly annotations: AnnotationCollector;
  readonly log: AttemptLog;
  readonly blobs: BlobStore;
  /** Fires, with the error as its reason, where the attempt must end for a reason of the worker's own. */
  readonly fault: AbortSignal;
}

/** Throws STEP_NOT_STARTED for a bad working directory, and what `LeaseClient.secrets` throws. */
export async function openScope(
  attempt: Attempt,
  workerId: number,
  given: ExecuteTools,
  temporaryDirectory: string,
): Promise<AttemptScope> {
  const tools = { ...given, repositoryRoot: await realpath(given.repositoryRoot) };
  const { lease } = attempt;
  const held: HeldLease = { stepId: lease.stepId, fence: lease.fence };
  const workingDirectory = await workingDirectoryOf(tools.repositoryRoot, lease.step.workingDirectory);
  const secrets = lease.step.secrets.length === 0 ? {} : await tools.client.secrets(workerId, held);
  const masker = new Masker(Object.values(secrets));
  const annotations = new AnnotationCollector(masker, tools.repositoryRoot, workingDirectory);
  tellUnmaskable(secrets, annotations);
  const stream = new LogStream({
    held,
    append: (chunks) => tools.client.appendLog(workerId, chunks),
    pause: tools.pause ?? REAL_PAUSE,
    ...(tools.logBytesMax === undefined ? {} : { storedBytesMax: tools.logBytesMax }),
  });
  const fault = new AbortController();
  const onTooManyMasks = (): void =>
    fault.abort(new MaestroError('OUTPUT_INVALID', 'the step added more ::add-mask:: values than can be masked'));
  return {
    attempt,
    lease,
    held,
    workerId,
    tools,
    temporaryDirectory,
    workingDirectory,
    secrets,
    masker,
    annotations,
    log: new AttemptLog(masker, stream, annotations, onTooManyMasks),
    blobs: blobStoreOf(tools.client, workerId, held, new SecretScan(Object.values(secrets)), attempt.signal),
    fault: fault.signal,
  };
}

function tellUnmaskable(secrets: Readonly<Record<string, string>>, annotations: AnnotationCollector): void {
  const names = Object.keys(secrets).filter((name) => {
    const value = secrets[name] ?? '';
    return value !== '' && meaningfulBytes(value) < SECRET_BYTES_MIN;
  });
  if (names.length === 0) return;
  annotations.addOwn({
    level: 'warning',
    message: `not masked, because under ${SECRET_BYTES_MIN} bytes: the secret ${names.join(', ')}`,
  });
}
