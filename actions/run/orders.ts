import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { WriteLine } from '../job-log.ts';

/** After the first signal of a cancelled job GitHub waits 7.5 seconds: what ends within this time still counts. */
const FINISH_MS = 2000;

export interface Orders {
  /** Finish what is held, take no more. */
  readonly drain: AbortSignal;
  /** Stop what is held and give it back. */
  readonly abandon: AbortSignal;
  close(): void;
}

/**
 * Signals of the runner: after the first one work is finished or soon given back, after the second it is given back at once.
 *
 * `messenger` brings them by name, a line each, where the runner may not signal this process; when it ends, so does the work.
 */
export function listenToRunner(write: WriteLine, messenger?: Readable): Orders {
  const draining = new AbortController();
  const abandoning = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hear = (signal: string): void => {
    write(`${signal}: giving back what cannot be finished`);
    if (draining.signal.aborted) return abandoning.abort();
    draining.abort();
    timer = setTimeout(() => abandoning.abort(), FINISH_MS);
  };
  const lines = messenger && createInterface({ input: messenger });
  const hearEnd = (): void => hear('the runner has gone');
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  lines?.on('line', hear).on('close', hearEnd);
  return {
    drain: draining.signal,
    abandon: abandoning.signal,
    close: () => {
      clearTimeout(timer);
      process.off('SIGINT', hear);
      process.off('SIGTERM', hear);
      lines?.off('close', hearEnd).close();
      messenger?.destroy();
    },
  };
}
