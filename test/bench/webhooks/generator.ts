/**
 * Sends signed webhooks at a fixed rate, whatever becomes of those before: a process of its own, so that neither the server
 * nor the measuring slows it down. A delivery's time counts from when it was to be sent. Speaks over IPC.
 */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { type Load, planOf, type SentDelivery } from './deliveries.ts';

export interface LoadReport {
  /** Milliseconds from the planned moment to the whole answer, ascending. */
  readonly answerMs: readonly number[];
  /** How many were answered with which status; 0 where nothing answered. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The most that a delivery left after its planned moment: how far to trust the load. */
  readonly lateMaxMs: number;
  readonly sent: readonly SentDelivery[];
  readonly bytes: number;
}

interface Parcel {
  readonly guid: string;
  readonly event: string;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 512 });

process.once('message', (load: Load) => {
  void generate(load).then(
    (report) => process.send?.(report, () => process.disconnect()),
    (error: unknown) => process.send?.({ error: String(error) }, () => process.disconnect()),
  );
});

async function generate(load: Load): Promise<LoadReport> {
  const plan = planOf(load);
  const answerMs: number[] = [];
  const statuses: Record<string, number> = {};
  const sent: SentDelivery[] = [];
  const open: Promise<void>[] = [];
  let [lateMaxMs, bytes] = [0, 0];
  const beganMs = performance.now();
  for (const { atMs, guid, event, body, marks } of plan) {
    const earlyMs = beganMs + atMs - performance.now();
    if (earlyMs > 0) await pause(earlyMs);
    const text = body();
    const plannedMs = beganMs + atMs;
    lateMaxMs = Math.max(lateMaxMs, performance.now() - plannedMs);
    bytes += text.length;
    sent.push({ guid, event, atMs: performance.timeOrigin + plannedMs, ...marks });
    open.push(
      answered(load, { guid, event, text }, (status) => {
        answerMs.push(performance.now() - plannedMs);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }),
    );
  }
  await Promise.all(open);
  agent.destroy();
  return { answerMs: answerMs.toSorted((a, b) => a - b), statuses, lateMaxMs, sent, bytes };
}

async function answered(load: Load, parcel: Parcel, note: (status: number) => void): Promise<void> {
  note(await deliver(load, parcel));
}

function deliver({ url, secret }: Load, { guid, event, text }: Parcel): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'user-agent': 'GitHub-Hookshot/bench',
    'x-github-event': event,
    'x-github-delivery': guid,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
  };
  return new Promise((resolve) => {
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', () => resolve(0));
    });
    call.on('error', () => resolve(0));
    call.end(text);
  });
}
