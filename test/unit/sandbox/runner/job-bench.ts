import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobRequest } from '../../../../sandbox/runner/job.ts';
import { type JobResult, type RunnerOptions, runJob } from '../../../../sandbox/runner/run-job.ts';

export interface BenchRun {
  readonly result: JobResult;
  readonly log: readonly string[];
  readonly statuses: readonly string[];
}

/** A folder with actions, and jobs that are run in it by real processes. */
export class JobBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'maestro-job-'));
  readonly log: string[] = [];
  readonly statuses: string[] = [];

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Writes a file of the action repository `acme/action`. */
  write(path: string, text: string): void {
    const full = join(this.folder, 'action', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }

  request(workflowText: string, more: Partial<JobRequest> = {}): JobRequest {
    return {
      workflowText,
      workflowPath: '.github/workflows/maestro.yml',
      inputs: {},
      event: { sender: { id: 7 } },
      eventName: 'workflow_dispatch',
      repository: { owner: 'octo', name: 'app', id: 11, ownerId: 12, defaultBranch: 'main' },
      sha: 'a'.repeat(40),
      ref: 'refs/heads/main',
      actor: 'mona',
      runId: 101,
      runNumber: 3,
      runAttempt: 1,
      jobId: 201,
      serverUrl: 'http://127.0.0.1:9',
      apiUrl: 'http://127.0.0.1:9/api/v3',
      token: 'ghs_jobToken123',
      idToken: { requestUrl: 'http://127.0.0.1:9/token?x=1', requestToken: 'idRequestToken456' },
      actionSources: { 'acme/action': join(this.folder, 'action') },
      workFolder: join(this.folder, 'work'),
      onLog: (line) => this.log.push(line),
      onStep: (name, status) => this.statuses.push(`${name}: ${status}`),
      ...more,
    };
  }

  async run(
    workflowText: string,
    more: Partial<JobRequest> = {},
    signal: AbortSignal = new AbortController().signal,
    options: Partial<RunnerOptions> = {},
  ): Promise<BenchRun> {
    const result = await runJob(this.request(workflowText, more), signal, { hostEnvironment: process.env, ...options });
    return { result, log: this.log, statuses: this.statuses };
  }
}

/** A workflow whose one job has these steps, given as YAML list items without indentation. */
export function workflowOf(steps: string, head = ''): string {
  const indented = steps
    .trim()
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
  return `name: Test\non: workflow_dispatch\n${head}\njobs:\n  work:\n    runs-on: self-hosted\n    steps:\n${indented}\n`;
}
