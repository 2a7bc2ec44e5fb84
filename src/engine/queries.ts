import { isoTime } from '../base/clock.ts';
import { MaestroError } from '../base/errors.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { RunAttestation } from '../protocol/attestation.ts';
import type { RunReceipt, RunTrigger } from '../protocol/client.ts';
import type { LogLine, RunEvent } from '../protocol/event.ts';
import { isRunFinal, type RunSummary, type RunView } from '../protocol/run.ts';
import { bundleOf } from '../provenance/envelope.ts';
import { readPublicKey } from '../provenance/public-key.ts';
import { type ReceiptStatement, recordOf } from '../provenance/receipt.ts';
import { runRecordText } from '../provenance/run-record.ts';
import { loadAttestations } from '../store/attestations.ts';
import type { Database } from '../store/database.ts';
import { loadDecisions } from '../store/decisions.ts';
import { hasLastEvent, readEvents, type StoredEvent } from '../store/events.ts';
import { followLogChunks, type LogPosition, readLogChunks } from '../store/logs.ts';
import { readReceipt, receiptIdentities, type StoredReceipt } from '../store/receipts.ts';
import { findRuns, latestRuns, loadOutcomes, loadRuns, loadSteps, type RunRow } from '../store/run-rows.ts';
import { bundleText } from './attestation-desk.ts';
import { stepAt } from './compiled-plan.ts';
import { isConsentWanted } from './consent.ts';
import type { Hub } from './hub.ts';
import { readNote } from './outcome-note.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import { runView } from './run-view.ts';

const EVENTS_MAX = 500;
const CHUNKS_MAX = 64;
const PREFIX_CHARS_MIN = 4;
const ULID_CHARS = 26;
/** A follower looks again at least this often; news wakes it sooner, but not more than once in FOLLOW_PAUSE_MS. */
const FOLLOW_POLL_MS = 1000;
const FOLLOW_PAUSE_MS = 30;

/** Everything that only reads. */
export class Queries {
  readonly #db: Database;
  readonly #hub: Hub;
  readonly #entries: RunEntries;

  constructor(db: Database, hub: Hub, entries: RunEntries) {
    this.#db = db;
    this.#hub = hub;
    this.#entries = entries;
  }

  /**
   * Number of the run that a person names: a whole id, a prefix of it, or `latest`.
   * @throws RUN_NOT_FOUND, CONFLICT where a prefix fits more than one
   */
  async resolve(name: string): Promise<number> {
    if (name === 'latest') {
      const [newest] = await latestRuns(this.#db, 1);
      if (newest === undefined)
        throw new MaestroError('RUN_NOT_FOUND', 'there are no runs yet: start one with `maestro run`');
      return newest;
    }
    const isPrefix = /^[0-9a-z]+$/.test(name) && name.length >= PREFIX_CHARS_MIN && name.length <= ULID_CHARS;
    const found = isPrefix ? await findRuns(this.#db, name) : [];
    const [first, second] = found;
    if (!first)
      throw new MaestroError(
        'RUN_NOT_FOUND',
        `expected the id of a run, ${PREFIX_CHARS_MIN} or more of its first characters, or \`latest\`; got ${name}`,
      );
    if (second)
      throw new MaestroError('CONFLICT', `${name} fits run ${first.key} and run ${second.key}: give more characters`);
    return first.id;
  }

  async readRun(run: number): Promise<RunView> {
    const { row, entry } = await this.load(run);
    const steps = await loadSteps(this.#db, [run]);
    const ids = [row, ...steps].flatMap((one) => one.decisionId ?? []);
    const decisions = await loadDecisions(this.#db, [...new Set(ids)]);
    const receipts = await receiptIdentities(this.#db, [run]);
    const facts = { receipt: receipts.get(run), isConsentWanted: await isConsentWanted(this.#db, row) };
    return runView(row, steps, entry.compiled, decisions, facts);
  }

  async load(run: number): Promise<{ readonly row: RunRow; readonly entry: RunEntry }> {
    await this.#entries.load(this.#db, [run]);
    const [row] = await loadRuns(this.#db, [run]);
    const entry = this.#entries.get(run);
    if (!row || !entry) throw new MaestroError('RUN_NOT_FOUND', `run ${run} is not in the database`);
    return { row, entry };
  }

  async listRuns(limit: number): Promise<readonly RunSummary[]> {
    const ids = await latestRuns(this.#db, limit);
    await this.#entries.load(this.#db, ids);
    const rows = await loadRuns(this.#db, ids);
    return rows
      .map((row) => ({
        id: row.key,
        pipeline: this.#entries.get(row.id)?.compiled.plan.name ?? '',
        status: row.status,
        createdAt: isoTime(row.createdAt.getTime()),
        finishedAt: row.finishedAt ? isoTime(row.finishedAt.getTime()) : null,
      }))
      .toReversed();
  }

  async readPlan(run: number): Promise<Plan> {
    return (await this.load(run)).entry.compiled.plan;
  }

  async readTrigger(run: number): Promise<RunTrigger> {
    return (await this.load(run)).row.trigger;
  }

  async *followRun(run: number, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    const { entry } = await this.load(run);
    for (let seq = afterSeq; !signal.aborted; ) {
      const news = this.#hub.next('changed', FOLLOW_POLL_MS, signal);
      // The last event is looked for before the others are read: where it is visible, so are all before it.
      const isOver = await hasLastEvent(this.#db, run);
      const events = await readEvents(this.#db, run, seq, EVENTS_MAX);
      const cacheHits = await this.#cacheHits(run, entry, events);
      for (const event of events) {
        seq = event.seq;
        yield {
          seq: event.seq,
          runId: entry.key,
          at: isoTime(event.at.getTime()),
          type: event.type,
          step: event.idx === null ? null : stepAt(entry.compiled, event.idx).id,
          attempt: event.attempt,
          data: cacheHits.has(event.seq) ? { ...event.data, isCacheHit: true } : event.data,
        };
      }
      if (isOver && events.length < EVENTS_MAX) return;
      if (events.length < EVENTS_MAX) await this.#pause(news, signal);
    }
  }

  /** Numbers of the successes that came from the cache. Steps that keep nothing, most of them, are not looked up. */
  async #cacheHits(run: number, entry: RunEntry, events: readonly StoredEvent[]): Promise<ReadonlySet<number>> {
    const wanted = events.flatMap(({ type, idx }) =>
      type === 'step.succeeded' && idx !== null && stepAt(entry.compiled, idx).cache ? [{ run, idx }] : [],
    );
    if (wanted.length === 0) return new Set();
    const rows = await loadOutcomes(this.#db, wanted);
    const hits = new Set(rows.filter(({ outcome }) => readNote(outcome).isCacheHit === true).map(({ idx }) => idx));
    return new Set(
      events.flatMap(({ seq, type, idx }) => (type === 'step.succeeded' && idx !== null && hits.has(idx) ? [seq] : [])),
    );
  }

  async *readLogs(
    run: number,
    step: string | undefined,
    isFollowing: boolean,
    signal: AbortSignal,
  ): AsyncIterable<LogLine> {
    const { entry } = await this.load(run);
    const idx = step === undefined ? null : this.#indexOf(entry, step);
    const read = isFollowing ? followLogChunks : readLogChunks;
    let position: LogPosition = isFollowing ? ['0', 0, 0] : [-1, -1, -1];
    while (!signal.aborted) {
      const news = this.#hub.next('changed', FOLLOW_POLL_MS, signal);
      // The state is read before the log: what is over by then has its whole log.
      const isOver = !isFollowing || (await this.#isOver(run));
      const chunks = await read(this.#db, run, idx, position, CHUNKS_MAX);
      for (const chunk of chunks) {
        position = chunk.position;
        yield { step: stepAt(entry.compiled, chunk.idx).id, attempt: chunk.attempt, text: chunk.text };
      }
      const isMore = chunks.length === CHUNKS_MAX;
      if (isOver && !isMore) return;
      if (!isMore) await this.#pause(news, signal);
    }
  }

  /** @throws RUN_NOT_FINISHED, RECEIPT_NOT_READY */
  async readReceipt(run: number): Promise<RunReceipt> {
    const receipt = await readReceipt(this.#db, run);
    if (receipt) return toReceipt(receipt);
    const { row } = await this.load(run);
    if (!isRunFinal(row.status))
      throw new MaestroError(
        'RUN_NOT_FINISHED',
        `run ${row.key} is ${row.status}: a run gets its receipt when it has ended`,
      );
    throw new MaestroError('RECEIPT_NOT_READY', `run ${row.key} has ended; its receipt is not signed yet`);
  }

  async readAttestations(run: number): Promise<readonly RunAttestation[]> {
    const { entry } = await this.load(run);
    return (await loadAttestations(this.#db, run)).map((one) => ({
      step: one.idx === null ? null : stepAt(entry.compiled, one.idx).id,
      predicateType: one.predicateType,
      subjects: one.subjects,
      payloadSha256: one.payloadSha256,
      bundle: bundleText(one),
      publicKey: one.publicKey,
      signedAt: isoTime(one.at.getTime()),
    }));
  }

  async #isOver(run: number): Promise<boolean> {
    const [row] = await loadRuns(this.#db, [run]);
    return row === undefined || isRunFinal(row.status);
  }

  async #pause(news: Promise<void>, signal: AbortSignal): Promise<void> {
    await news;
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, FOLLOW_PAUSE_MS));
  }

  #indexOf(entry: RunEntry, step: string): number {
    const idx = entry.compiled.indexById.get(step) ?? entry.compiled.indexesByBase.get(step)?.[0];
    if (idx === undefined) throw new MaestroError('STEP_NOT_FOUND', `run ${entry.key} has no step ${step}`);
    return idx;
  }
}

function toReceipt({ payload, payloadSha256, signature, publicKey }: StoredReceipt): RunReceipt {
  const statement = JSON.parse(payload) as ReceiptStatement;
  return {
    runRecord: runRecordText(recordOf(statement.predicate)),
    bundle: bundleOf(payload, signature, readPublicKey(publicKey)?.hint ?? ''),
    publicKey,
    payloadSha256,
  };
}
