import type { LogLine, RunEvent } from '../../protocol/event.ts';

/** Shows a run while it goes on. The model is current when a method is called. */
export interface RunWatcher {
  start(): void;
  /** A fact that is new to the reader. */
  event(event: RunEvent): void;
  log(line: LogLine): void;
  /** A remark of Maestro itself. */
  note(text: string): void;
  /** Called once, also after a failure: gives the terminal back. */
  end(): void;
}
