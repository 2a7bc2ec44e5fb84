import { createHmac, randomUUID } from 'node:crypto';
import type { Misbehaviour } from './misbehaviour.ts';
import type { App, Installation } from './model.ts';
import type { Fields } from './shape.ts';
import { shapeWebhook } from './webhook-schema.ts';

/** GitHub's own limit for an answer. */
const DELIVERY_MS = 10_000;
/** GitHub keeps deliveries for three days; the sandbox keeps the newest. */
const DELIVERIES_MAX = 20_000;

/** One attempt to deliver. Redeliveries have the same `guid` and a new id. */
export interface HookDelivery {
  readonly id: number;
  readonly guid: string;
  readonly appId: number;
  readonly installationId: number | null;
  readonly repositoryId: number | null;
  readonly event: string;
  readonly action: string | null;
  readonly isRedelivery: boolean;
  readonly deliveredAt: string;
  readonly durationMs: number;
  /** 0 where nothing answered. */
  readonly statusCode: number;
  readonly status: string;
  readonly payload: Fields;
  readonly requestHeaders: Readonly<Record<string, string>>;
}

interface Parcel {
  readonly app: App;
  readonly guid: string;
  readonly event: string;
  readonly installationId: number | null;
  readonly payload: Fields;
  readonly isRedelivery: boolean;
}

/** Delivers webhooks: each once, signed, in the order in which things happened. Misbehaviour changes that on request. */
export class Webhooks {
  readonly log: HookDelivery[] = [];
  private readonly misbehaviour: Misbehaviour;
  private readonly nowMs: () => number;
  private readonly stop = new AbortController();
  private readonly waiting = new Set<Promise<void>>();
  private tail: Promise<void> = Promise.resolve();
  private held: Parcel | null = null;
  private lastId = 0;

  constructor(misbehaviour: Misbehaviour, nowMs: () => number) {
    this.misbehaviour = misbehaviour;
    this.nowMs = nowMs;
  }

  send(app: App, installation: Installation | null, event: string, payload: Fields): void {
    const shaped = shapeWebhook(event, payload);
    const installationId = installation?.id ?? null;
    this.pass({ app, guid: randomUUID(), event, installationId, payload: shaped, isRedelivery: false });
  }

  redeliver(app: App, delivery: HookDelivery): void {
    const { guid, event, installationId, payload } = delivery;
    this.enqueue({ app, guid, event, installationId, payload, isRedelivery: true });
  }

  /** Resolves when everything that was sent so far has been answered, dropped or given up. */
  async settled(): Promise<void> {
    this.release();
    let last: Promise<void> | null = null;
    while (last !== this.tail || this.waiting.size > 0) {
      last = this.tail;
      await Promise.all([this.tail, ...this.waiting]);
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all([this.tail, ...this.waiting]);
  }

  private pass(parcel: Parcel): void {
    const rule = this.misbehaviour.forWebhook(parcel.event);
    if (rule?.kind === 'drop') {
      this.record(parcel, { statusCode: 0, status: 'dropped by the sandbox', durationMs: 0, requestHeaders: {} });
      return;
    }
    if (rule?.kind === 'delay') {
      this.later(parcel, rule.delayMs);
      return;
    }
    if (rule?.kind === 'reorder' && this.held === null) {
      this.held = parcel;
      return;
    }
    this.enqueue(parcel);
    if (rule?.kind === 'duplicate') this.enqueue(parcel);
    this.release();
  }

  /** What was held back follows what came after it. */
  private release(): void {
    const parcel = this.held;
    this.held = null;
    if (parcel !== null) this.enqueue(parcel);
  }

  private later(parcel: Parcel, delayMs: number): void {
    const wait = this.pause(delayMs);
    const sent = (async (): Promise<void> => {
      await wait;
      this.enqueue(parcel);
    })();
    this.waiting.add(sent);
    void sent.finally(() => this.waiting.delete(sent));
  }

  private async pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.stop.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private enqueue(parcel: Parcel): void {
    this.tail = this.deliverAfter(this.tail, parcel);
  }

  private async deliverAfter(earlier: Promise<void>, parcel: Parcel): Promise<void> {
    await earlier;
    if (!this.stop.signal.aborted) await this.deliver(parcel);
  }

  private async deliver(parcel: Parcel): Promise<void> {
    const body = JSON.stringify(parcel.payload);
    const requestHeaders = headersOf(parcel, body);
    const startedMs = this.nowMs();
    try {
      const response = await fetch(parcel.app.webhookUrl, {
        method: 'POST',
        body,
        headers: requestHeaders,
        signal: AbortSignal.any([this.stop.signal, AbortSignal.timeout(DELIVERY_MS)]),
      });
      await response.arrayBuffer();
      const status = response.ok ? 'OK' : 'Invalid HTTP Response';
      this.record(parcel, {
        statusCode: response.status,
        status,
        durationMs: this.nowMs() - startedMs,
        requestHeaders,
      });
    } catch (error) {
      const status =
        error instanceof Error && error.name === 'TimeoutError' ? 'timed out' : 'failed to connect to host';
      this.record(parcel, { statusCode: 0, status, durationMs: this.nowMs() - startedMs, requestHeaders });
    }
  }

  private record(
    parcel: Parcel,
    result: Pick<HookDelivery, 'statusCode' | 'status' | 'durationMs' | 'requestHeaders'>,
  ): void {
    this.lastId += 1;
    const { app, guid, event, installationId, payload, isRedelivery } = parcel;
    const { action, repository } = payload as { action?: string; repository?: { id: number } };
    this.log.push({
      id: this.lastId,
      guid,
      appId: app.id,
      installationId,
      repositoryId: repository?.id ?? null,
      event,
      action: action ?? null,
      isRedelivery,
      deliveredAt: new Date(this.nowMs()).toISOString(),
      payload,
      ...result,
    });
    if (this.log.length > DELIVERIES_MAX) this.log.shift();
  }
}

function headersOf({ app, guid, event }: Parcel, body: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/sandbox',
    'x-github-delivery': guid,
    'x-github-event': event,
    'x-github-hook-id': String(app.id),
    'x-github-hook-installation-target-id': String(app.id),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature-256': `sha256=${createHmac('sha256', app.webhookSecret).update(body).digest('hex')}`,
  };
}
