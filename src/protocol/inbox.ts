import type { JsonObject } from '../base/json.ts';

/** A webhook as the door received it. */
export interface NewDelivery {
  /** `X-GitHub-Delivery` */
  readonly id: string;
  /** Deliveries of one lane are dealt with one after the other, in order of arrival; lanes side by side. */
  readonly lane: string;
  /** `X-GitHub-Event` */
  readonly event: string;
  readonly action: string | null;
  readonly installationId: number | null;
  readonly payload: JsonObject;
}

export interface ClaimedDelivery extends NewDelivery {
  readonly receivedAt: string;
  /** Claims so far, this one included; the fence of this claim. */
  readonly tries: number;
}

export interface DeliveryRecord {
  readonly id: string;
  readonly lane: string;
  readonly event: string;
  readonly action: string | null;
  readonly state: 'waiting' | 'working' | 'done' | 'buried';
  readonly tries: number;
  /** What came of it, or the newest failure. */
  readonly note: string | null;
  readonly receivedAt: string;
  readonly finishedAt: string | null;
}

export interface InboxCounts {
  readonly waiting: number;
  readonly working: number;
  readonly buried: number;
  /** Age of the oldest delivery that is not finished; 0 where there is none. */
  readonly oldestMs: number;
}

/** Webhooks between "accepted" and "dealt with". Implemented by the store. */
export interface Inbox {
  /** `known`: a delivery of this id came before, and nothing was stored. */
  accept(delivery: NewDelivery): Promise<'stored' | 'known'>;
  /**
   * The oldest unfinished delivery of each lane in which none is in work, at most `limit`; repositories take turns. A
   * claim ends after `holdMs`: the delivery may then be claimed again, by anybody.
   */
  claim(limit: number, holdMs: number): Promise<readonly ClaimedDelivery[]>;
  /** These three change nothing, and answer false, where the claim has ended and somebody else has the delivery. */
  finish(claimed: ClaimedDelivery, note: string): Promise<boolean>;
  /** Its lane waits with it. */
  retry(claimed: ClaimedDelivery, error: string, delayMs: number): Promise<boolean>;
  /** Gives it up: it is kept and counted, and its lane goes on. */
  bury(claimed: ClaimedDelivery, error: string): Promise<boolean>;
  find(id: string): Promise<DeliveryRecord | undefined>;
  counts(): Promise<InboxCounts>;
  /** Forgets finished deliveries received before that; answers how many. A forgotten id is new when it comes again. */
  prune(before: Date): Promise<number>;
  /** Those of the ids that never came in, in their order. */
  missing(ids: readonly string[]): Promise<readonly string[]>;
  /** The first `limit` of the ids for which `noteRedelivery` would answer true, in their order. */
  askable(ids: readonly string[], limit: number, timesMax: number, pauseMs: number): Promise<readonly string[]>;
  /**
   * Notes that GitHub is asked to send a delivery again; false where that was asked `timesMax` times, or just now: within
   * `pauseMs` of the first time, twice as long after the second, and so on.
   */
  noteRedelivery(id: string, timesMax: number, pauseMs: number): Promise<boolean>;
  /** Calls `hear` when there may be something to claim, also from other processes; answers what ends it. News can be lost. */
  onNews(hear: () => void): Promise<() => Promise<void>>;
}
