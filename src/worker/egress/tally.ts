import type { Socket } from 'node:net';
import { DENIED_SHOWN_MAX, DESTINATIONS_MAX } from './limits.ts';
import type { Target } from './target.ts';

/** What was asked of one destination with one answer. */
interface Entry {
  readonly verdict: 'allowed' | 'denied';
  /** Host as the step wrote it first, and port. */
  readonly name: string;
  readonly reason: string | undefined;
  count: number;
  sentBytes: number;
  receivedBytes: number;
}

interface Measured {
  readonly entry: Entry;
  readonly sentBefore: number;
  readonly receivedBefore: number;
}

/** Counts where a step went, and where it was kept from going: hosts and ports, never paths, headers or contents. */
export class EgressTally {
  readonly #entries = new Map<string, Entry>();
  readonly #live = new Map<Socket, Measured>();
  #beyondCount = 0;
  #droppedCount = 0;

  /** Counts one use of an allowed destination. Its bytes count once the connection is there: see `measure`. */
  allow(target: Target): Entry | undefined {
    return this.#count('allowed', target, undefined);
  }

  deny(target: Target, reason: string): void {
    this.#count('denied', target, reason);
  }

  /** A connection that was closed because there were too many. */
  drop(): void {
    this.#droppedCount++;
  }

  measure(socket: Socket, entry: Entry | undefined): void {
    if (!entry) return;
    this.#live.set(socket, { entry, sentBefore: socket.bytesWritten, receivedBefore: socket.bytesRead });
    socket.once('close', () => this.#settle(socket));
  }

  /** What the log says at the end: one line for each destination and verdict. */
  lines(): readonly string[] {
    for (const socket of this.#live.keys()) this.#settle(socket);
    const lines = [...this.#entries.values()].map(lineOf);
    if (this.#beyondCount > 0) lines.push(`egress of ${this.#beyondCount} more connections, to other hosts`);
    if (this.#droppedCount > 0) lines.push(`egress closed ${this.#droppedCount} connections: too many at one time`);
    return lines;
  }

  /** For people: what was denied, and which entries are missing. Undefined where nothing was. */
  remark(): string | undefined {
    const denied = [...this.#entries.values()].filter(({ verdict }) => verdict === 'denied');
    if (denied.length === 0) return undefined;
    const shown = denied.slice(0, DENIED_SHOWN_MAX).map(({ name, reason }) => `${name} (${reason})`);
    const more = denied.length > shown.length ? [`${denied.length - shown.length} more, which the log names`] : [];
    return `egress denied: ${[...shown, ...more].join('; ')}. Add to the step’s \`egress\` what is meant`;
  }

  #count(
    verdict: Entry['verdict'],
    { host, port, writtenHost }: Target,
    reason: string | undefined,
  ): Entry | undefined {
    const key = `${verdict} ${host}:${port}`;
    let entry = this.#entries.get(key);
    if (!entry && this.#entries.size >= DESTINATIONS_MAX) {
      this.#beyondCount++;
      return undefined;
    }
    entry ??= { verdict, name: `${writtenHost}:${port}`, reason, count: 0, sentBytes: 0, receivedBytes: 0 };
    this.#entries.set(key, entry);
    entry.count++;
    return entry;
  }

  #settle(socket: Socket): void {
    const measured = this.#live.get(socket);
    if (!measured) return;
    this.#live.delete(socket);
    measured.entry.sentBytes += socket.bytesWritten - measured.sentBefore;
    measured.entry.receivedBytes += socket.bytesRead - measured.receivedBefore;
  }
}

function lineOf({ verdict, name, reason, count, sentBytes, receivedBytes }: Entry): string {
  const times = count === 1 ? 'once' : `${count} times`;
  return verdict === 'allowed'
    ? `egress allowed ${name} ${times}, ${sentBytes} bytes sent, ${receivedBytes} received`
    : `egress denied ${name} ${times}: ${reason}`;
}
