import type { Clock } from '../../base/clock.ts';
import type { ExportProgress } from './export-register.ts';

/** Short exports say nothing; of a long one, people see that it moves. */
const EVERY_MS = 5000;

interface Notes {
  readonly clock: Clock;
  readonly output: { note(text: string): void };
}

/** Says now and then how far an export is. */
export function exportProgress({ clock, output }: Notes): (progress: ExportProgress) => void {
  let saidMs = clock.now();
  return ({ deed, leaves, of }) => {
    if (clock.now() - saidMs < EVERY_MS) return;
    saidMs = clock.now();
    output.note(`${deed} ${leaves} of ${of} leaves`);
  };
}
