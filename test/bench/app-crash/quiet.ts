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
    const waiting = await waitingOf(stage, shas);
    if (now !== writes || waiting.length > 0) sinceMs = performance.now();
    writes = now;
    if (performance.now() - sinceMs >= QUIET_MS) return;
    if (performance.now() > deadlineMs) {
      if (waiting.length === 0) return;
      throw new Error(`not still after ${msMax / 1000} s: ${waiting.join('; ')}`);
    }
    await pause(POLL_MS);
  }
}

async function waitingOf(stage: Stage, shas: readonly string[]): Promise<readonly string[]> {
  const checks = (await Promise.all(shas.map((sha) => checksOf(stage, sha)))).flat();
  return checks.filter(({ status }) => status !== 'completed').map(({ name, status }) => `${name}: ${status}`);
}
