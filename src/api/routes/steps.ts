import type { Digest } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { AttestRequest } from '../../protocol/attestation.ts';
import type { CacheEntry, HeldLease, StepId, WantedArtifact } from '../../protocol/lease.ts';
import type { Annotation, Isolation, Outcome } from '../../protocol/outcome.ts';
import { STEP_ID_PATTERN } from '../../protocol/wire/schema.ts';
import {
  ATTEST,
  ATTEST_BYTES_MAX,
  BLOB,
  CACHE_BYTES_MAX,
  CACHE_READ,
  CACHE_SAVE,
  COMPLETE_BYTES_MAX,
  COMPLETE_ONE,
  EVENTS,
  EVENTS_BYTES_MAX,
  FIND_ARTIFACTS,
  LOG_BYTES_MAX,
  LOGS,
  NOTHING,
  SECRETS,
} from '../../protocol/wire/worker-calls.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import {
  BLOB_BYTES_MAX,
  CONTENT_CALLS_AT_ONCE_MAX,
  SMALL_BYTES_MAX,
  STATEMENTS_AT_ONCE_MAX,
  STATEMENTS_OF_ALL_MAX,
} from '../limits.ts';
import type { Call, WorkerCall, WorkerRoute } from '../route.ts';
import { completeOwn } from './leases.ts';

const STEP = { stepId: STEP_ID_PATTERN };
const FENCE_QUERY = { fence: { type: 'string', pattern: '^[1-9][0-9]{0,8}$' } };
/** Steps that run as the worker's own user can read what it knows, also the secrets of others. */
const SECRET_ISOLATIONS: readonly Isolation[] = ['user', 'container'];

type FencedCall<Body = object> = WorkerCall<Body & { readonly fence: number }>;

/** One step, named with its fence: who lost the lease changes nothing and learns nothing. */
export function stepRoutes(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    completion(tools),
    logs(tools),
    events(tools),
    secrets(tools),
    ...artifacts(tools),
    ...statements(tools),
    ...cache(tools),
  ];
}

function completion(tools: HttpApiTools): WorkerRoute {
  return {
    method: 'POST',
    path: '/api/v1/steps/{stepId}:complete',
    summary:
      'Records the outcome of one step. 409 LEASE_LOST where the fence is stale; the same outcome may be sent again.',
    caller: 'worker',
    pathPatterns: STEP,
    body: { schema: COMPLETE_ONE.body, bytesMax: COMPLETE_BYTES_MAX },
    answer: COMPLETE_ONE.answer,
    handle: async (call: FencedCall<{ outcome: Outcome }>) => {
      const held = heldOf(call);
      const { answers } = await completeOwn(tools, call.worker, [{ ...held, outcome: call.body.outcome }], 0);
      if (answers[0] === 'recorded') return { answer: 'recorded' };
      throw new MaestroError('LEASE_LOST', `step ${held.stepId} is no longer leased under fence ${held.fence}`);
    },
  };
}

function logs(tools: HttpApiTools): WorkerRoute {
  return {
    method: 'POST',
    path: '/api/v1/steps/{stepId}/logs',
    summary:
      'Stores chunks of the attempt’s log, numbered from 0. A chunk that was stored is not stored twice. May be gzip.',
    caller: 'worker',
    pathPatterns: STEP,
    body: { schema: LOGS, bytesMax: LOG_BYTES_MAX, isGzipAllowed: true },
    answer: NOTHING,
    handle: async (call: FencedCall<{ chunks: readonly { seq: number; text: string }[] }>) => {
      const held = heldOf(call);
      const chunks = call.body.chunks.map(({ seq, text }) => ({ ...held, seq, text }));
      await tools.leases.appendLog(call.worker.workerId, chunks);
      return {};
    },
  };
}

function events(tools: HttpApiTools): WorkerRoute {
  return {
    method: 'POST',
    path: '/api/v1/steps/{stepId}/events',
    summary: 'Adds annotations while the step runs.',
    caller: 'worker',
    pathPatterns: STEP,
    body: { schema: EVENTS, bytesMax: EVENTS_BYTES_MAX },
    answer: NOTHING,
    handle: async (call: FencedCall<{ annotations: readonly Annotation[] }>) => {
      await tools.leases.annotate(call.worker.workerId, heldOf(call), call.body.annotations);
      return {};
    },
  };
}

function secrets(tools: HttpApiTools): WorkerRoute {
  return {
    method: 'POST',
    path: '/api/v1/steps/{stepId}/secrets',
    summary:
      'Values of the secrets that policy releases to the step, for workers that keep steps apart from themselves.',
    caller: 'worker',
    pathPatterns: STEP,
    body: { schema: SECRETS.body, bytesMax: SMALL_BYTES_MAX },
    answer: SECRETS.answer,
    handle: async (call: FencedCall) => {
      const { worker } = call;
      if (!SECRET_ISOLATIONS.includes(worker.isolation))
        throw new MaestroError(
          'POLICY_DENIED',
          `this worker keeps steps apart by '${worker.isolation}', so every step of it could read the secrets of the others: run steps as another user or in a container`,
        );
      return { values: await tools.leases.secrets(worker.workerId, heldOf(call)) };
    },
  };
}

function artifacts(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/steps/{stepId}/artifacts',
      summary: 'Stores content, sent as it is; answers its digest.',
      caller: 'worker',
      atOnceMax: CONTENT_CALLS_AT_ONCE_MAX,
      pathPatterns: STEP,
      query: FENCE_QUERY,
      streamBytesMax: BLOB_BYTES_MAX,
      answer: BLOB,
      handle: (call: WorkerCall) => tools.leases.putBlob(call.worker.workerId, queriedLease(call), call.stream()),
    },
    {
      method: 'GET',
      path: '/api/v1/steps/{stepId}/artifacts/{digest}',
      summary: 'Content by its digest.',
      caller: 'worker',
      atOnceMax: CONTENT_CALLS_AT_ONCE_MAX,
      pathPatterns: { ...STEP, digest: 'sha256:[0-9a-f]{64}' },
      query: FENCE_QUERY,
      answer: 'stream',
      handle: (call: WorkerCall) =>
        tools.leases.getBlob(call.worker.workerId, queriedLease(call), call.path.digest as Digest),
    },
    {
      method: 'POST',
      path: '/api/v1/steps/{stepId}/artifacts:find',
      summary: 'Artifacts of one name that the steps before this one have left behind.',
      caller: 'worker',
      pathPatterns: STEP,
      body: { schema: FIND_ARTIFACTS.body, bytesMax: SMALL_BYTES_MAX },
      answer: FIND_ARTIFACTS.answer,
      handle: async (call: FencedCall<WantedArtifact>) => {
        const { name, from } = call.body;
        const wanted = { name, ...(from === undefined ? {} : { from }) };
        return { artifacts: await tools.leases.findArtifacts(call.worker.workerId, heldOf(call), wanted) };
      },
    },
  ];
}

/** What the conductor states of what was made. */
function statements(tools: HttpApiTools): readonly WorkerRoute[] {
  const limits = { atOnceMax: STATEMENTS_AT_ONCE_MAX, atOnceOfAllMax: STATEMENTS_OF_ALL_MAX, pathPatterns: STEP };
  return [
    {
      method: 'POST',
      path: '/api/v1/steps/{stepId}/attestations',
      summary:
        'A signed statement about contents of the run, for steps that may ask. The same is stated once, however often it is asked for.',
      caller: 'worker',
      ...limits,
      body: { schema: ATTEST.body, bytesMax: ATTEST_BYTES_MAX },
      answer: ATTEST.answer,
      handle: async (call: FencedCall<AttestRequest>) => {
        const { fence: _fence, ...request } = call.body;
        return { bundle: await tools.leases.attest(call.worker.workerId, heldOf(call), request) };
      },
    },
  ];
}

function cache(tools: HttpApiTools): readonly WorkerRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/steps/{stepId}/cache:read',
      summary: 'The result that was kept under a key, if there is one.',
      caller: 'worker',
      pathPatterns: STEP,
      body: { schema: CACHE_READ.body, bytesMax: SMALL_BYTES_MAX },
      answer: CACHE_READ.answer,
      handle: async (call: FencedCall<{ key: string }>) => ({
        entry: (await tools.leases.cacheGet(call.worker.workerId, heldOf(call), call.body.key)) ?? null,
      }),
    },
    {
      method: 'PUT',
      path: '/api/v1/steps/{stepId}/cache',
      summary: 'Keeps a result under a key.',
      caller: 'worker',
      pathPatterns: STEP,
      body: { schema: CACHE_SAVE, bytesMax: CACHE_BYTES_MAX },
      answer: NOTHING,
      handle: async (call: FencedCall<{ entry: Omit<CacheEntry, 'runId'>; ttlMs: number }>) => {
        const { entry, ttlMs } = call.body;
        await tools.leases.cachePut(call.worker.workerId, heldOf(call), entry, ttlMs);
        return {};
      },
    },
  ];
}

function heldOf({ path, body }: Call<{ readonly fence: number }>): HeldLease {
  return { stepId: path.stepId as StepId, fence: body.fence };
}

function queriedLease({ path, query }: Call): HeldLease {
  return { stepId: path.stepId as StepId, fence: Number(query.fence) };
}
