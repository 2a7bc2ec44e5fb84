import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError } from '../../src/base/errors.ts';
import { readCommandFile, readPathFile } from './command-file.ts';
import { runJobProcess } from './job-process.ts';
import { type JobState, stopSignal } from './job-state.ts';

/** GitHub drops a larger summary of one step. */
const SUMMARY_BYTES_MAX = 1_048_576;

export interface StepProcess {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null for no limit but the job's. */
  readonly timeoutMs: number | null;
}

export interface StepProcessEnd {
  readonly conclusion: 'success' | 'failure' | 'cancelled';
  readonly outputs: ReadonlyMap<string, string>;
  readonly state: ReadonlyMap<string, string>;
}

/** Runs one process of a step with command files of its own, and takes over what it wrote to them. */
export async function runStepProcess(
  job: JobState,
  { argv, cwd, env, timeoutMs }: StepProcess,
): Promise<StepProcessEnd> {
  const files = makeCommandFiles(job);
  const stop = stopSignal(job);
  const deadline = timeoutMs === null ? null : AbortSignal.timeout(timeoutMs);
  const exitCode = await runJobProcess({
    argv,
    cwd,
    env: { ...processEnvironment(job, env), ...variablesOf(files) },
    signal: deadline ? AbortSignal.any([stop, deadline]) : stop,
    times: job.times,
    onLine: (line) => job.log.takeOutput(line),
  });
  takeOver(job, files);
  const values = { outputs: readCommandFile(files.output), state: readCommandFile(files.state) };
  if (stop.aborted) {
    job.log.say('##[error]The operation was canceled.');
    return { conclusion: 'cancelled', ...values };
  }
  if (deadline?.aborted) {
    job.log.say(`##[error]The action has timed out after ${(timeoutMs ?? 0) / 60_000} minutes.`);
    return { conclusion: 'failure', ...values };
  }
  if (exitCode !== 0)
    job.log.say(`##[error]Process completed with exit code ${exitCode ?? 'unknown: a signal ended it'}.`);
  return { conclusion: exitCode === 0 ? 'success' : 'failure', ...values };
}

type CommandFiles = Readonly<Record<'output' | 'env' | 'path' | 'state' | 'step_summary', string>>;

function makeCommandFiles(job: JobState): CommandFiles {
  const id = randomUUID();
  const make = (kind: string): string => {
    const path = join(job.places.commandFiles, `${kind}_${id}`);
    writeFileSync(path, '');
    return path;
  };
  return {
    output: make('set_output'),
    env: make('set_env'),
    path: make('add_path'),
    state: make('save_state'),
    step_summary: make('step_summary'),
  };
}

function variablesOf(files: CommandFiles): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([kind, path]) => [`GITHUB_${kind.toUpperCase()}`, path]));
}

function processEnvironment(job: JobState, env: Readonly<Record<string, string>>): Record<string, string> {
  const fixed = Object.entries(job.variables).filter(([name]) => /^(GITHUB|RUNNER)_/.test(name));
  const merged = { ...job.variables, ...job.env, ...env, ...Object.fromEntries(fixed) };
  const { idToken } = job.request;
  const identity: Record<string, string> =
    job.hasIdToken && idToken
      ? {
          ACTIONS_ID_TOKEN_REQUEST_URL: idToken.requestUrl,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: idToken.requestToken,
        }
      : {};
  return { ...merged, PATH: [...job.path, merged.PATH ?? ''].join(':'), ...identity };
}

function takeOver(job: JobState, files: CommandFiles): void {
  const added = readCommandFile(files.env);
  if (added.has('NODE_OPTIONS')) {
    throw new MaestroError('OUTPUT_INVALID', `can't store NODE_OPTIONS with GITHUB_ENV`);
  }
  job.env = { ...job.env, ...Object.fromEntries(added) };
  job.path = [...[...readPathFile(files.path)].reverse(), ...job.path];
  const summary = readFileSync(files.step_summary);
  if (summary.length > SUMMARY_BYTES_MAX) {
    job.log.say(
      `##[error]$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got ${Math.ceil(summary.length / 1024)}k.`,
    );
  } else if (summary.length > 0) job.summaries.push(job.log.mask(summary.toString('utf8')));
}
