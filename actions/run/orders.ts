import process from 'node:process';
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

/** Signals of the runner: after the first one work is finished or soon given back, after the second it is given back at once. */
export function listenToRunner(write: WriteLine): Orders {
  const draining = new AbortController();
  const abandoning = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hear = (signal: NodeJS.Signals): void => {
    write(`${signal}: giving back what cannot be finished`);
    if (draining.signal.aborted) return abandoning.abort();
    draining.abort();
    timer = setTimeout(() => abandoning.abort(), FINISH_MS);
  };
  process.on('SIGINT', hear);
  process.on('SIGTERM', hear);
  return {
    drain: draining.signal,
    abandon: abandoning.signal,
    close: () => {
      clearTimeout(timer);
      process.off('SIGINT', hear);
      process.off('SIGTERM', hear);
    },
  };
}
