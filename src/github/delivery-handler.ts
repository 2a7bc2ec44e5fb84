import type { JsonObject } from '../base/json.ts';

/** A webhook from the inbox. `payload` is as GitHub sent it: hostile where a stranger chose its texts. */
export interface Delivery {
  /** `X-GitHub-Delivery`: redeliveries have the same. */
  readonly id: string;
  /** `X-GitHub-Event` */
  readonly event: string;
  readonly action: string | null;
  readonly installationId: number | null;
  readonly payload: JsonObject;
  readonly receivedAt: string;
}

/**
 * What is done about a delivery: called from the inbox in the order of its lane, again after a crash, so it is idempotent.
 * Answers one line for the inbox's record. A retryable failure is tried again later; any other is recorded.
 */
export type DeliveryHandler = (delivery: Delivery) => Promise<string>;
