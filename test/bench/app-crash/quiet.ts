import { setTimeout as pause } from 'node:timers/promises';
import { checksOf } from '../../../app/demo/look.ts';
import type { Stage } from '../../../app/demo/stage.ts';

const QUIET_MS = 4000;
const POLL_MS = 200;

/** Resolves when nobody has written to the sandbox for some seconds, and nothing there waits for the server. */
export async function waitUntilStill(stage: Stage, shas: readonly string[], msMax: number): Promise<void> {
  const { sandbox } = stage;
  const deadlineMs = performance.now() + msMax;
  let writes = -1;
  let sinceMs = performance.now();
  for (;;) {
    await sandbox.settled();
    const now = sandbox.calls().filter(({ method }) => method !== 'GET').length;
    if (now !== writes) sinceMs = performance.now();
    writes = now;
    const isOver = performance.now() > deadlineMs;
    if (isOver || performance.now() - sinceMs >= QUIET_MS) {
      // No check changes while nobody writes: reading all of them all the time is more than GitHub lets anybody do.
      const waiting = await waitingOf(stage, shas);
      if (waiting.length === 0) return;
      if (isOver) throw new Error(`not still after ${msMax / 1000} s: ${waiting.join('; ')}`);
      sinceMs = performance.now();
    }
    await pause(POLL_MS);
  }
}

async function waitingOf(stage: Stage, shas: readonly string[]): Promise<readonly string[]> {
  const checks = (await Promise.all(shas.map((sha) => checksOf(stage, sha)))).flat();
  return checks.filter(({ status }) => status !== 'completed').map(({ name, status }) => `${name}: ${status}`);
}
