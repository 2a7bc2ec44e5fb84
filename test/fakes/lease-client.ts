import { type Digest, digestBytes } from '../../src/base/digest.ts';
import { MaestroError } from '../../src/base/errors.ts';
import type { AttestRequest } from '../../src/protocol/attestation.ts';
import type {
  CacheEntry,
  Completion,
  CompletionAnswer,
  HeldLease,
  Lease,
  LeaseClient,
  LogChunk,
  MadeArtifact,
  StepId,
  WantedArtifact,
  WorkerHello,
  WorkerSession,
  WorkerSignal,
} from '../../src/protocol/lease.ts';
import type { Annotation, Outcome } from '../../src/protocol/outcome.ts';

/**
 * The far end of the worker protocol, in memory: fenced like the real one, with failures that a test may inject.
 *
 * It is a small conductor without an engine: steps are queued by the test and handed out once.
 */
export class FakeConductor implements LeaseClient {
  readonly hellos: WorkerHello[] = [];
  readonly outcomes = new Map<StepId, Outcome>();
  readonly logs: LogChunk[] = [];
  readonly blobs = new Map<Digest, Buffer>();
  readonly cache = new Map<string, CacheEntry>();
  readonly made: MadeArtifact[] = [];
  readonly attested: AttestRequest[] = [];
  readonly secretValues: Record<string, string> = {};
  readonly renewals: (readonly HeldLease[])[] = [];
  readonly completeSizes: number[] = [];
  readonly session: WorkerSession = { workerId: 1, renewEveryMs: 10_000, expireAfterMs: 30_000 };
  hasLeft = false;
  /** Called before every call; what it throws is the answer. */
  beforeCall: (name: keyof LeaseClient) => void = () => {};
  /** Steps that become ready when this one ends. */
  successors: (completion: Completion) => readonly Lease[] = () => [];

  readonly #ready: Lease[] = [];
  readonly #fences = new Map<StepId, number>();
  readonly #lost: HeldLease[] = [];
  readonly #signals: WorkerSignal[] = [];
  #wakers: (() => void)[] = [];

  queue(...leases: readonly Lease[]): void {
    this.#ready.push(...leases);
    this.#wake();
  }

  send(signal: WorkerSignal): void {
    this.#signals.push(signal);
    this.#wake();
  }

  /** Gives the step to somebody else: the fence of the worker is stale from now on. */
  takeAway(lease: Lease): void {
    this.#fences.set(lease.stepId, lease.fence + 1);
    this.#lost.push({ stepId: lease.stepId, fence: lease.fence });
  }

  logText(stepId?: StepId): string {
    return this.logs
      .filter((chunk) => stepId === undefined || chunk.stepId === stepId)
      .map((chunk) => chunk.text)
      .join('');
  }

  async register(hello: WorkerHello): Promise<WorkerSession> {
    this.beforeCall('register');
    this.hellos.push(hello);
    return { ...this.session, workerId: this.hellos.length };
  }

  async acquire(_workerId: number, room: number, _waitMs: number, signal: AbortSignal): Promise<readonly Lease[]> {
    this.beforeCall('acquire');
    while (this.#ready.length === 0 && !signal.aborted) await this.#changed(signal);
    return signal.aborted ? [] : this.#take(room);
  }

  async complete(_workerId: number, completions: readonly Completion[], room: number) {
    this.beforeCall('complete');
    this.completeSizes.push(completions.length);
    const answers: CompletionAnswer[] = [];
    for (const completion of completions) {
      const isHeld = this.#fences.get(completion.stepId) === completion.fence;
      answers.push(isHeld ? 'recorded' : 'lost');
      if (!isHeld || this.outcomes.has(completion.stepId)) continue;
      this.outcomes.set(completion.stepId, completion.outcome);
      this.#ready.push(...this.successors(completion));
    }
    this.#wake();
    return { answers, leases: this.#take(room) };
  }

  async renew(_workerId: number, held: readonly HeldLease[]) {
    this.beforeCall('renew');
    this.renewals.push(held);
    const lost = held.filter(({ stepId, fence }) =>
      this.#lost.some((gone) => gone.stepId === stepId && gone.fence === fence),
    );
    this.#wake();
    return { lost };
  }

  async signals(_workerId: number, _waitMs: number, signal: AbortSignal): Promise<readonly WorkerSignal[]> {
    this.beforeCall('signals');
    while (this.#signals.length === 0 && !signal.aborted) await this.#changed(signal);
    return this.#signals.splice(0);
  }

  async appendLog(_workerId: number, chunks: readonly LogChunk[]): Promise<void> {
    this.beforeCall('appendLog');
    for (const chunk of chunks) {
      const isStored = this.logs.some(
        (known) => known.stepId === chunk.stepId && known.fence === chunk.fence && known.seq === chunk.seq,
      );
      if (!isStored) this.logs.push(chunk);
    }
    this.#wake();
  }

  async annotate(_workerId: number, _held: HeldLease, _annotations: readonly Annotation[]): Promise<void> {
    this.beforeCall('annotate');
  }

  async secrets(_workerId: number, _held: HeldLease): Promise<Readonly<Record<string, string>>> {
    this.beforeCall('secrets');
    return this.secretValues;
  }

  async putBlob(_workerId: number, _held: HeldLease, content: AsyncIterable<Uint8Array>, _signal?: AbortSignal) {
    this.beforeCall('putBlob');
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    const bytes = Buffer.concat(parts);
    const digest = digestBytes(bytes);
    this.blobs.set(digest, bytes);
    return { digest, sizeBytes: bytes.byteLength };
  }

  async getBlob(_workerId: number, _held: HeldLease, digest: Digest): Promise<AsyncIterable<Uint8Array>> {
    this.beforeCall('getBlob');
    const bytes = this.blobs.get(digest);
    if (!bytes) throw new MaestroError('ARTIFACT_NOT_FOUND', `no blob ${digest}`);
    return (async function* () {
      yield bytes;
    })();
  }

  async findArtifacts(_workerId: number, _held: HeldLease, { name, from }: WantedArtifact) {
    this.beforeCall('findArtifacts');
    return this.made.filter((one) => one.name === name && (from === undefined || one.step === from));
  }

  async attest(_workerId: number, _held: HeldLease, request: AttestRequest): Promise<string> {
    this.beforeCall('attest');
    this.attested.push(request);
    return JSON.stringify({ bundle: request.kind });
  }

  async cacheGet(_workerId: number, _held: HeldLease, key: string): Promise<CacheEntry | undefined> {
    this.beforeCall('cacheGet');
    return this.cache.get(key);
  }

  async cachePut(_workerId: number, _held: HeldLease, entry: Omit<CacheEntry, 'runId'>, _ttlMs: number): Promise<void> {
    this.beforeCall('cachePut');
    this.cache.set(entry.key, { ...entry, runId: 'run' });
  }

  async leave(): Promise<void> {
    this.beforeCall('leave');
    this.hasLeft = true;
  }

  /** Resolves once the condition holds; looked at whenever something arrived at this end. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed(undefined);
  }

  #take(room: number): readonly Lease[] {
    const leases = this.#ready.splice(0, room);
    for (const lease of leases) this.#fences.set(lease.stepId, lease.fence);
    return leases;
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#wakers.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const waker of wakers) waker();
  }
}
