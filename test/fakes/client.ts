import { digestJson } from '../../src/base/digest.ts';
import { MaestroError } from '../../src/base/errors.ts';
import type { JsonObject } from '../../src/base/json.ts';
import type { Plan, PlanStep } from '../../src/pipeline/plan.ts';
import type { RunAttestation } from '../../src/protocol/attestation.ts';
import type {
  Client,
  GateAnswer,
  PlanPreview,
  RetryScope,
  RunReceipt,
  RunTrigger,
  StartRun,
} from '../../src/protocol/client.ts';
import type { LogLine, RunEvent, RunEventType } from '../../src/protocol/event.ts';
import type { Explanation } from '../../src/protocol/explain.ts';
import type { ReleaseGateView } from '../../src/protocol/release.ts';
import {
  type DecisionView,
  isRunFinal,
  type RunStatus,
  type RunSummary,
  type RunView,
  type StepStatus,
  type StepView,
} from '../../src/protocol/run.ts';

import { FakeRegister } from './register.ts';

const BEGAN_MS = Date.parse('2026-01-02T03:04:00.000Z');
export const RUN_ID = '01kdxyz0a00123456789abcdef';
const ALLOW: DecisionView = {
  verdict: 'allow',
  reasons: [],
  packDigest: `sha256:${'a'.repeat(64)}`,
  inputDigest: `sha256:${'b'.repeat(64)}`,
};

/** What happens while the run is worked: facts, log lines, and moments at which a test acts. */
export type Scene =
  | {
      readonly at?: number;
      readonly fact: RunEventType;
      readonly step?: string;
      readonly attempt?: number;
      readonly data?: JsonObject;
      readonly set?: Partial<StepView>;
    }
  | { readonly log: string; readonly step: string; readonly attempt?: number }
  | { readonly pause: () => void | Promise<void> };

const RUN_STATUS: Partial<Record<RunEventType, RunStatus>> = {
  'run.started': 'running',
  'run.cancelling': 'cancelling',
  'run.succeeded': 'succeeded',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
  'run.rejected': 'rejected',
};

const STEP_STATUS: Partial<Record<RunEventType, StepStatus>> = {
  'step.started': 'running',
  'step.succeeded': 'succeeded',
  'step.failed': 'failed',
  'step.skipped': 'skipped',
  'step.cancelled': 'cancelled',
  'step.denied': 'denied',
  'step.held': 'held',
  'step.retried': 'held',
  'approval.requested': 'held',
};

/**
 * The far end of the CLI: one run that plays a script, in memory, behind the real `Client`.
 *
 * Each scene happens when `play` comes to it; followers hear it in order and, as the contract says, go on until the run
 * has ended or their signal fires.
 */
export class ScriptedClient implements Client {
  /** What was asked, in order: verb and argument. */
  readonly asked: [string, unknown][] = [];
  view: RunView;
  plan: Plan;
  readonly events: RunEvent[] = [];
  readonly lines: LogLine[] = [];
  answer: PlanPreview | undefined;
  receipt: RunReceipt | undefined;
  disclosure: Uint8Array | undefined;
  attestations: readonly RunAttestation[] = [];
  gate: ReleaseGateView | undefined;
  explanation: Explanation = { asked: [], more: 0 };
  /** Played after the run was taken up by an answer, a retry or a resume. */
  readonly later: Scene[];
  readonly #scenes: Scene[];
  #wake: (() => void)[] = [];

  constructor(view: RunView, scenes: readonly Scene[] = [], later: readonly Scene[] = []) {
    this.view = view;
    this.plan = planOf(view);
    this.#scenes = [...scenes];
    this.later = [...later];
  }

  /** What a conductor and its workers do: the next scenes, until none is left or the signal fires. */
  async play(signal: AbortSignal): Promise<void> {
    for (let scene = this.#scenes.shift(); scene; scene = this.#scenes.shift()) {
      if (signal.aborted) return;
      await this.#happen(scene);
    }
  }

  /** Another process works the run, once this one only waits. */
  async elsewhere(scenes: readonly Scene[]): Promise<void> {
    while (this.#scenes.length > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const scene of scenes) await this.#happen(scene);
  }

  async preview(request: StartRun): Promise<PlanPreview> {
    this.asked.push(['preview', request]);
    const steps = request.plan.steps.map(({ id }) => ({ step: id, decision: ALLOW }));
    const estimate = { steps: steps.length, microUsd: 0, durationMs: null };
    return this.answer ?? { digest: digestJson(request.plan as never), run: ALLOW, steps, estimate };
  }

  async startRun(request: StartRun): Promise<RunView> {
    this.asked.push(['startRun', request]);
    this.plan = request.plan;
    return this.view;
  }

  async readRun(run: string): Promise<RunView> {
    return this.#known(run);
  }

  async listRuns(limit: number): Promise<readonly RunSummary[]> {
    this.asked.push(['listRuns', limit]);
    const { id, pipeline, status, createdAt, finishedAt } = this.view;
    return [{ id, pipeline, status, createdAt, finishedAt }];
  }

  async readPlan(run: string): Promise<Plan> {
    this.#known(run);
    return this.plan;
  }

  async readTrigger(run: string): Promise<RunTrigger> {
    const { trigger } = this.#known(run);
    return {
      ...trigger,
      source: { uri: 'git+https://example.com/acme/app.git', gitCommit: null, ref: null },
      github: { event_name: 'push' },
      eventDigest: digestJson({ event_name: 'push' }),
      isFork: false,
    };
  }

  async explain(run: string, step?: string): Promise<Explanation> {
    this.asked.push(['explain', step]);
    this.#known(run);
    return this.explanation;
  }

  async *followRun(run: string, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    this.#known(run);
    yield* this.#follow(this.events, afterSeq, signal);
  }

  async *readLogs(
    run: string,
    step: string | undefined,
    isFollowing: boolean,
    signal: AbortSignal,
  ): AsyncIterable<LogLine> {
    this.#known(run);
    const ofStep = (line: LogLine): boolean => step === undefined || line.step === step;
    if (!isFollowing) yield* this.lines.filter(ofStep);
    else for await (const line of this.#follow(this.lines, 0, signal)) if (ofStep(line)) yield line;
  }

  async cancelRun(run: string, reason: string): Promise<RunView> {
    this.asked.push(['cancelRun', reason]);
    this.#known(run);
    this.#scenes.splice(0, this.#scenes.length, { fact: 'run.cancelled', data: { reason } });
    return this.view;
  }

  async answerGate(answer: GateAnswer): Promise<RunView> {
    this.asked.push(['answerGate', answer]);
    this.#known(answer.runId);
    if (!this.view.steps.some(({ hold }) => hold)) throw new MaestroError('GATE_NOT_OPEN', 'no gate waits');
    return this.#takeUp();
  }

  async retryRun(run: string, scope: RetryScope): Promise<RunView> {
    this.asked.push(['retryRun', scope]);
    this.#known(run);
    return this.#takeUp();
  }

  async resumeRun(run: string): Promise<RunView> {
    this.asked.push(['resumeRun', run]);
    this.#known(run);
    return this.#takeUp();
  }

  readReceipt = async (run: string): Promise<RunReceipt> => this.#signed(run, this.receipt);

  async readDisclosure(run: string): Promise<Uint8Array> {
    await this.readReceipt(run);
    return this.#signed(run, this.disclosure);
  }
  readonly evidence = new FakeRegister();

  readAttestations = async (run: string): Promise<readonly RunAttestation[]> => this.#known(run) && this.attestations;

  readReleaseGate = async (run: string): Promise<ReleaseGateView> => this.#signed(run, this.gate);

  readManifest = async (run: string): Promise<JsonObject> => ({ run: this.#known(run).id });

  async readArtifact(): Promise<AsyncIterable<Uint8Array>> {
    throw new MaestroError('ARTIFACT_NOT_FOUND', 'the script has no artifacts');
  }

  async close(): Promise<void> {
    this.asked.push(['close', null]);
  }

  #signed<T>(run: string, value: T | undefined): T {
    if (!isRunFinal(this.#known(run).status)) throw new MaestroError('RUN_NOT_FINISHED', 'the run has not ended');
    if (value === undefined) throw new MaestroError('RECEIPT_NOT_READY', 'not signed yet');
    return value;
  }

  #known(run: string): RunView {
    const isNamed = run === 'latest' || (run.length >= 4 && this.view.id.startsWith(run));
    if (!isNamed) throw new MaestroError('RUN_NOT_FOUND', `there is no run '${run}'`);
    return this.view;
  }

  #takeUp(): RunView {
    this.#scenes.push(...this.later.splice(0));
    return this.view;
  }

  async #happen(scene: Scene): Promise<void> {
    if ('pause' in scene) await scene.pause();
    else if ('log' in scene) this.lines.push({ step: scene.step, attempt: scene.attempt ?? 1, text: scene.log });
    else this.#record(scene);
    for (const wake of this.#wake.splice(0)) wake();
    // Lets followers hear the fact before the next one, as a real stream would.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #record(scene: Extract<Scene, { fact: RunEventType }>): void {
    const at = new Date(BEGAN_MS + (scene.at ?? this.events.length * 1000)).toISOString();
    const step = scene.step ?? null;
    const attempt = scene.attempt ?? (step === null ? null : 1);
    const { fact: type, data = {} } = scene;
    this.events.push({ seq: this.events.length + 1, runId: this.view.id, at, type, step, attempt, data });
    this.view = step === null ? runAfter(this.view, scene, at) : stepAfter(this.view, step, scene, at);
  }

  async *#follow<T>(items: readonly T[], after: number, signal: AbortSignal): AsyncIterable<T> {
    for (let index = after; ; index++) {
      while (index >= items.length) {
        if (signal.aborted || isRunFinal(this.view.status)) return;
        await new Promise<void>((resolve) => {
          this.#wake.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      const item = items[index];
      if (item !== undefined) yield item;
    }
  }
}

type Fact = Extract<Scene, { fact: RunEventType }>;

function runAfter(view: RunView, { fact, data }: Fact, at: string): RunView {
  const status = RUN_STATUS[fact] ?? view.status;
  const isOver = isRunFinal(status);
  return {
    ...view,
    status,
    startedAt: fact === 'run.started' ? at : view.startedAt,
    finishedAt: isOver && !view.finishedAt ? at : view.finishedAt,
    reason: typeof data?.reason === 'string' ? data.reason : view.reason,
    receipt: isOver ? { status: 'signed', payloadSha256: 'c'.repeat(64) } : null,
  };
}

function stepAfter(view: RunView, id: string, scene: Fact, at: string): RunView {
  const status = STEP_STATUS[scene.fact];
  if (!status) return view;
  return { ...view, steps: view.steps.map((step) => (step.id === id ? nextStep(step, status, scene, at) : step)) };
}

function nextStep(step: StepView, status: StepStatus, { attempt, data, set }: Fact, at: string): StepView {
  const reason = typeof data?.reason === 'string' ? data.reason : null;
  const kind = (data?.kind ?? 'gate') as NonNullable<StepView['hold']>['kind'];
  return {
    ...step,
    status,
    attempts: attempt ?? Math.max(1, step.attempts),
    startedAt: status === 'running' ? at : step.startedAt,
    finishedAt: status === 'running' || status === 'held' ? null : at,
    reason,
    hold: status === 'held' ? { kind, reason: reason ?? '', dueAt: null } : null,
    ...set,
  };
}

/** A run of the given steps, none of them begun. */
export function runView(steps: readonly StepView[], changes: Partial<RunView> = {}): RunView {
  return {
    id: RUN_ID,
    pipeline: 'golden',
    status: 'running',
    attempt: 1,
    retryOf: null,
    planDigest: `sha256:${'d'.repeat(64)}`,
    trigger: { type: 'manual', actor: { provider: 'local', id: 'ana' } },
    createdAt: new Date(BEGAN_MS).toISOString(),
    startedAt: new Date(BEGAN_MS).toISOString(),
    finishedAt: null,
    reason: null,
    decision: ALLOW,
    isConsentWanted: false,
    steps,
    receipt: null,
    ...changes,
  };
}

export function stepView(id: string, needs: readonly string[] = [], changes: Partial<StepView> = {}): StepView {
  return {
    id,
    kind: 'work',
    uses: 'shell',
    environment: null,
    needs,
    status: 'pending',
    attempts: 0,
    iteration: 0,
    startedAt: null,
    finishedAt: null,
    hold: null,
    reason: null,
    exitCode: null,
    outputs: {},
    artifacts: [],
    annotations: [],
    isCacheHit: false,
    isCompensation: false,
    decision: null,
    ...changes,
  };
}

export function planOf(view: RunView): Plan {
  return {
    schema: 'maestro.plan/v1',
    name: view.pipeline,
    kind: 'ci',
    source: { path: '.maestro/ci.yaml', digest: `sha256:${'e'.repeat(64)}` },
    params: {},
    env: {},
    steps: view.steps.map(planStepOf),
  };
}

function planStepOf({ id, kind, needs, uses }: StepView): PlanStep {
  return {
    id,
    base: id,
    kind,
    needs,
    uses,
    code: { uri: `builtin:${uses}` },
    with: {},
    env: {},
    secrets: [],
    runner: 'linux',
    timeoutMs: 60_000,
    retry: { max: 0, on: [], backoff: { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 'full' } },
    artifacts: [],
    outputs: {},
    continueOnError: false,
    tags: [],
    egress: [],
    isIdempotent: true,
  };
}
