import { setTimeout as pause } from 'node:timers/promises';
import { isMaestroError, MaestroError } from '../src/base/errors.ts';
import type { LocalMaestro } from '../src/cli/context.ts';
import { notFromStep } from '../src/cli/inside-step.ts';
import type { Client } from '../src/protocol/client.ts';
import type { LogLine, RunEvent } from '../src/protocol/event.ts';
import type { EvidenceDesk } from '../src/protocol/evidence.ts';
import type { RunView } from '../src/protocol/run.ts';
import { ask, askMany, HandedOver } from './control-client.ts';

/** How long the holder of a state that does not answer may take to open or to close it. */
const HOLDER_MS_MAX = 10_000;
const LOOK_EVERY_MS = 50;

export interface SharedStateOptions {
  /** @throws STATE_LOCKED where another process holds the state */
  readonly openHere: () => Promise<LocalMaestro>;
  readonly socketPath: string;
  readonly root: string;
  /** A step may look and change nothing: see `refuseInsideStep`. */
  readonly isInsideStep: boolean;
}

type Holder = { readonly here: LocalMaestro } | { readonly locked: MaestroError };

/**
 * An embedded state that is held by this process, or by another one that answers on its socket.
 *
 * Where the other process ends, what it was asked goes on here: questions are asked again, streams go on where they were.
 * Only it can start runs while it holds the state; for others that is STATE_LOCKED.
 */
export async function openSharedState(options: SharedStateOptions): Promise<LocalMaestro> {
  const state = new SharedState(options);
  await state.open();
  return state.maestro();
}

class SharedState {
  readonly #options: SharedStateOptions;
  #holder: Promise<Holder> | undefined;

  constructor(options: SharedStateOptions) {
    this.#options = options;
  }

  open(): Promise<Holder> {
    this.#holder ??= this.#find();
    return this.#holder;
  }

  maestro(): LocalMaestro {
    const close = async (): Promise<void> => {
      const holder = await this.open();
      if ('here' in holder) await holder.here.close();
    };
    return { client: this.#client(close), drive: (run, signal) => this.#drive(run, signal), close };
  }

  async #find(): Promise<Holder> {
    const { openHere, socketPath, root } = this.#options;
    const deadlineMs = performance.now() + HOLDER_MS_MAX;
    for (;;) {
      try {
        return { here: await openHere() };
      } catch (error) {
        if (!isMaestroError(error, 'STATE_LOCKED')) throw error;
        const hello = await greet(socketPath);
        // Another project's process would work our runs in its own checkout.
        if (hello && hello.root !== root) throw error;
        if (hello) return { locked: error };
        if (performance.now() > deadlineMs) throw error;
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  #client(close: () => Promise<void>): Client {
    const refused = async <T>(here: (client: Client) => Promise<T>): Promise<T> => {
      const holder = await this.open();
      if ('here' in holder) return here(holder.here.client);
      throw holder.locked;
    };
    const read = <T>(
      method: keyof Client | `evidence.${keyof EvidenceDesk}`,
      words: readonly unknown[],
      here: (client: Client) => Promise<T>,
    ): Promise<T> => this.#call(method, words, here, true);
    const change = (method: keyof Client, words: readonly unknown[], here: (client: Client) => Promise<RunView>) =>
      this.#call(method, words, here, false);
    return {
      preview: (request) => refused((client) => client.preview(request)),
      startRun: (request) => refused((client) => client.startRun(request)),
      retryRun: (run, scope) => refused((client) => client.retryRun(run, scope)),
      resumeRun: (run) => refused((client) => client.resumeRun(run)),
      readArtifact: (digest) => refused((client) => client.readArtifact(digest)),
      readRun: (run) => read('readRun', [run], (client) => client.readRun(run)),
      listRuns: (limit) => read('listRuns', [limit], (client) => client.listRuns(limit)),
      readPlan: (run) => read('readPlan', [run], (client) => client.readPlan(run)),
      readTrigger: (run) => read('readTrigger', [run], (client) => client.readTrigger(run)),
      explain: (run, step) => read('explain', [run, step ?? null], (client) => client.explain(run, step)),
      readReceipt: (run) => read('readReceipt', [run], (client) => client.readReceipt(run)),
      readDisclosure: async (run, edition) => {
        const archive = await read('readDisclosure', [run, edition], async (client) =>
          Buffer.from(await client.readDisclosure(run, edition)).toString('base64'),
        );
        return Buffer.from(archive, 'base64');
      },
      evidence: {
        checkpoint: () => read('evidence.checkpoint', [], ({ evidence }) => evidence.checkpoint()),
        proofs: (run) => read('evidence.proofs', [run], ({ evidence }) => evidence.proofs(run)),
        awaitProofs: (run) => read('evidence.awaitProofs', [run], ({ evidence }) => evidence.awaitProofs(run)),
        consistency: (from, to) =>
          read('evidence.consistency', [from, to], ({ evidence }) => evidence.consistency(from, to)),
        leaves: (from, count) => read('evidence.leaves', [from, count], ({ evidence }) => evidence.leaves(from, count)),
        known: (runs) => read('evidence.known', [runs], ({ evidence }) => evidence.known(runs)),
        unlogged: () => read('evidence.unlogged', [], ({ evidence }) => evidence.unlogged()),
      },
      readAttestations: (run) => read('readAttestations', [run], (client) => client.readAttestations(run)),
      readReleaseGate: (run) => read('readReleaseGate', [run], (client) => client.readReleaseGate(run)),
      readManifest: (run) => read('readManifest', [run], (client) => client.readManifest(run)),
      cancelRun: (run, reason) => change('cancelRun', [run, reason], (client) => client.cancelRun(run, reason)),
      answerGate: (answer) => change('answerGate', [answer], (client) => client.answerGate(answer)),
      followRun: (run, afterSeq, signal) => this.#followRun(run, afterSeq, signal),
      readLogs: (run, step, isFollowing, signal) => this.#readLogs(run, step, isFollowing, signal),
      close,
    };
  }

  async #call<T>(
    method: string,
    words: readonly unknown[],
    here: (client: Client) => Promise<T>,
    isRepeatable: boolean,
  ): Promise<T> {
    for (;;) {
      const held = this.open();
      const holder = await held;
      if ('here' in holder) return here(holder.here.client);
      if (this.#options.isInsideStep && !isRepeatable) throw notFromStep();
      try {
        return await ask<T>(this.#options.socketPath, method, words);
      } catch (error) {
        if (!(error instanceof HandedOver)) throw error;
        if (error.isHeard && !isRepeatable) throw unanswered(error);
        this.#letGo(held);
      }
    }
  }

  async *#followRun(run: string, afterSeq: number, signal: AbortSignal): ReturnType<Client['followRun']> {
    let seq = afterSeq;
    const streams = this.#streams(
      (client) => client.followRun(run, seq, signal),
      () => askMany<RunEvent>(this.#options.socketPath, 'followRun', [run, seq], signal),
    );
    for await (const event of streams) {
      seq = event.seq;
      yield event;
    }
  }

  async *#readLogs(
    run: string,
    step: string | undefined,
    isFollowing: boolean,
    signal: AbortSignal,
  ): ReturnType<Client['readLogs']> {
    let seen = 0;
    const streams = this.#streams(
      (client) => after(seen, client.readLogs(run, step, isFollowing, signal)),
      () =>
        after(seen, askMany<LogLine>(this.#options.socketPath, 'readLogs', [run, step ?? null, isFollowing], signal)),
    );
    for await (const line of streams) {
      seen++;
      yield line;
    }
  }

  async *#streams<T>(here: (client: Client) => AsyncIterable<T>, there: () => AsyncIterable<T>): AsyncIterable<T> {
    for (;;) {
      const held = this.open();
      const holder = await held;
      if ('here' in holder) return yield* here(holder.here.client);
      try {
        return yield* there();
      } catch (error) {
        if (!(error instanceof HandedOver)) throw error;
        this.#letGo(held);
      }
    }
  }

  /** The other process works the run for us, and we take over where it ends before the run does. */
  async #drive(run: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const held = this.open();
      const holder = await held;
      if ('here' in holder) return holder.here.drive(run, signal);
      if (this.#options.isInsideStep) throw notFromStep();
      try {
        for await (const _ of askMany(this.#options.socketPath, 'attend', [run], signal)) return;
      } catch (error) {
        if (!(error instanceof HandedOver)) throw error;
        this.#letGo(held);
      }
    }
  }

  /** Several calls may hear of the end at once: only the first of them looks for the next holder. */
  #letGo(held: Promise<Holder>): void {
    if (this.#holder === held) this.#holder = undefined;
  }
}

async function greet(socketPath: string): Promise<{ readonly root: string } | undefined> {
  try {
    return await ask<{ readonly root: string }>(socketPath, 'hello', []);
  } catch (error) {
    if (error instanceof HandedOver) return undefined;
    throw error;
  }
}

/** Log pieces have no number of their own, but always the same order. */
async function* after<T>(count: number, stream: AsyncIterable<T>): AsyncIterable<T> {
  let seen = 0;
  for await (const one of stream) if (seen++ >= count) yield one;
}

function unanswered(cause: HandedOver): MaestroError {
  return new MaestroError(
    'STATE_LOCKED',
    'the process that holds the state ended before it answered: see `maestro status` for what became of the request',
    { cause },
  );
}
