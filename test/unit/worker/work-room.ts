import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lease } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { BUILT_IN_STEPS } from '../../../src/steps/built-in.ts';
import { Attempt } from '../../../src/worker/attempt.ts';
import type { ExecuteTools } from '../../../src/worker/attempt-scope.ts';
import { executeStep } from '../../../src/worker/execute.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';

/** A checkout and a temporary root on the real disk, with a conductor at the far end. */
export class WorkRoom {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-worker-')));
  readonly repositoryRoot = realpathSync(mkdtempSync(join(this.#folder, 'repository-')));
  readonly temporaryRoot = join(this.#folder, 'temporary');
  readonly client = new FakeConductor();

  tools(changes: Partial<ExecuteTools> = {}): ExecuteTools {
    return {
      client: this.client,
      steps: BUILT_IN_STEPS,
      repositoryRoot: this.repositoryRoot,
      temporaryRoot: this.temporaryRoot,
      hostEnv: process.env,
      runnerName: 'test',
      ...changes,
    };
  }

  run(lease: Lease, changes: Partial<ExecuteTools> = {}): Promise<Outcome> {
    return this.start(lease, changes).outcome;
  }

  start(lease: Lease, changes: Partial<ExecuteTools> = {}): { attempt: Attempt; outcome: Promise<Outcome> } {
    const attempt = new Attempt(lease);
    return { attempt, outcome: executeStep(attempt, 1, this.tools(changes)) };
  }

  get log(): string {
    return this.client.logText();
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
