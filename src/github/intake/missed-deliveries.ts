import { type Clock, isoTime } from '../../base/clock.ts';
import { MaestroError } from '../../base/errors.ts';
import type { Inbox } from '../../protocol/inbox.ts';
import type { GitHubAccess } from '../octokit.ts';
import { FailedDeliveries, readPage } from './delivery-list.ts';
import { isRetryable } from './failure.ts';

/** GitHub keeps deliveries for three days, and sends them again for as long. */
const KEPT_MS = 3 * 86_400_000;
/** What one sweep reads, and asks for; the next goes on. The App has 5,000 calls an hour, for everything that it does itself. */
const PAGES_MAX = 50;
const ASKED_AT_ONCE_MAX = 100;
/** With doubling pauses sixteen times last as long as GitHub keeps a delivery; what we refuse each time costs few calls. */
const TIMES_MAX = 16;
const FIRST_PAUSE_MS = 4000;
/** A delivery is listed a moment after it was sent. */
const OVERLAP_MS = 600_000;

export interface MissedDeliveriesOptions {
  readonly access: Pick<GitHubAccess, 'app'>;
  readonly inbox: Pick<Inbox, 'missing' | 'askable' | 'noteRedelivery'>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** A list that is being read, from its newest entry down to what is known already. */
interface Reading {
  readonly beganMs: number;
  readonly sinceMs: number;
  /** Undefined before the first page. */
  readonly cursor: string | undefined;
}

/**
 * Asks GitHub to send again what it could not deliver: it tries each webhook once. A delivery is asked for when a sending
 * of it failed and it never reached the inbox, each time after twice the pause, counted in the store; the oldest come
 * first, so that commits are dealt with in their order. What failed is kept until it came or GitHub has forgotten it, so
 * that the list is read once, and after that only what is new in it.
 */
export class MissedDeliveries {
  readonly #options: MissedDeliveriesOptions;
  readonly #failed = new FailedDeliveries();
  #reading: Reading | undefined;
  #sinceMs = 0;
  #isMore = false;

  constructor(options: MissedDeliveriesOptions) {
    this.#options = options;
  }

  /** The newest sweep left something to read or to ask for. */
  get isMore(): boolean {
    return this.#isMore;
  }

  /** Answers the ids that were asked for. */
  async sweep(): Promise<readonly string[]> {
    this.#isMore = false;
    const nowMs = this.#options.clock.now();
    const isRead = await this.#read(nowMs);
    // Further down lie older ones.
    if (isRead || this.#failed.isFull) return this.#ask(nowMs);
    this.#isMore = true;
    return [];
  }

  /** Answers whether the list is read to where it is known. */
  async #read(nowMs: number): Promise<boolean> {
    const sinceMs = Math.max(this.#sinceMs, nowMs - KEPT_MS);
    let reading = this.#reading ?? { beganMs: nowMs, sinceMs, cursor: undefined };
    const isContinued = this.#reading !== undefined;
    for (let page = 0; page < PAGES_MAX && !this.#failed.isFull; page++) {
      const { sendings, next } = await this.#page(reading.cursor);
      const young = sendings.filter(({ delivered_at }) => Date.parse(delivered_at) >= reading.sinceMs);
      this.#failed.note(young);
      if (next === undefined || young.length < sendings.length) {
        this.#sinceMs = reading.beganMs - OVERLAP_MS;
        this.#reading = undefined;
        return true;
      }
      this.#reading = reading = { ...reading, cursor: next };
    }
    if (!isContinued) this.#options.onError(tooLong(reading.sinceMs));
    return false;
  }

  async #page(cursor: string | undefined): ReturnType<typeof readPage> {
    try {
      return await readPage(this.#options.access.app, cursor);
    } catch (error) {
      // A place in the list that GitHub does not know any more: the next sweep begins at its top.
      if (!isRetryable(error)) this.#reading = undefined;
      throw error;
    }
  }

  async #ask(nowMs: number): Promise<readonly string[]> {
    const { inbox } = this.#options;
    this.#failed.forgetBefore(nowMs - KEPT_MS);
    const missing = await inbox.missing(this.#failed.oldestFirst());
    this.#failed.keep(missing);
    const askable = await inbox.askable(missing, ASKED_AT_ONCE_MAX, TIMES_MAX, FIRST_PAUSE_MS);
    const asked: string[] = [];
    for (const guid of askable) {
      // Another process may have asked a moment ago.
      if (!(await inbox.noteRedelivery(guid, TIMES_MAX, FIRST_PAUSE_MS))) continue;
      await this.#askFor(guid);
      asked.push(guid);
    }
    this.#isMore = askable.length === ASKED_AT_ONCE_MAX;
    return asked;
  }

  /** One that GitHub will not send again must not keep the others from it. */
  async #askFor(guid: string): Promise<void> {
    const { access, onError } = this.#options;
    const delivery_id = this.#failed.newestId(guid);
    if (delivery_id === undefined) return;
    try {
      await access.app.rest.apps.redeliverWebhookDelivery({ delivery_id });
    } catch (error) {
      if (isRetryable(error)) throw error;
      onError(error);
    }
  }
}

function tooLong(sinceMs: number): MaestroError {
  const message = `GitHub lists more deliveries since ${isoTime(sinceMs)} than one sweep reads (${PAGES_MAX} pages): the next ones read on, and then ask for what is missing`;
  return new MaestroError('UNAVAILABLE', message);
}
