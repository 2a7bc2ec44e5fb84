import { availableParallelism } from 'node:os';
import { MaestroError } from '../../src/base/errors.ts';
import { isSafeUrl } from '../../src/base/safe-url.ts';
import { input, type JobEnvironment, requiredInput, requiredVariable } from '../job-environment.ts';

const CAPACITY_MAX = 64;

/** What the action is for: one class of a run that asked for this job, or a run that the job starts. */
type Errand =
  | { readonly kind: 'dispatched'; readonly dispatchId: string; readonly run: string; readonly runnerClass: string }
  | { readonly kind: 'pipeline'; readonly pipeline: string; readonly params: Readonly<Record<string, string>> };

export interface Settings {
  /** Origin and path of the server without a final slash: the audience of the identity token. */
  readonly server: string;
  readonly errand: Errand;
  readonly token: string;
  readonly capacity: number;
  readonly runnerName: string;
  readonly githubUrl: string;
  readonly repository: string;
}

/** Throws CONFIG_INVALID naming the input. */
export function readSettings(env: JobEnvironment): Settings {
  return {
    server: serverUrl(requiredInput(env, 'server')),
    errand: errandOf(env),
    token: input(env, 'token'),
    capacity: capacityOf(input(env, 'capacity')),
    runnerName: env.RUNNER_NAME ?? 'github-actions',
    githubUrl: requiredVariable(env, 'GITHUB_SERVER_URL').replace(/\/+$/, ''),
    repository: requiredVariable(env, 'GITHUB_REPOSITORY'),
  };
}

/** The job's identity goes there, so the way must be encrypted, or not leave the machine. */
function serverUrl(text: string): string {
  if (!isSafeUrl(text))
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected \`server\` to be an https address like https://maestro.example.com, got '${text}'`,
    );
  return text.replace(/\/+$/, '');
}

function errandOf(env: JobEnvironment): Errand {
  const pipeline = input(env, 'pipeline');
  const dispatchId = input(env, 'dispatch-id');
  if ((pipeline === '') === (dispatchId === ''))
    throw new MaestroError('CONFIG_INVALID', 'expected either `pipeline`, or `dispatch-id` with `run` and `class`');
  if (pipeline !== '') return { kind: 'pipeline', pipeline, params: paramsOf(input(env, 'params')) };
  return { kind: 'dispatched', dispatchId, run: requiredInput(env, 'run'), runnerClass: requiredInput(env, 'class') };
}

/** Lines of `name=value`. */
function paramsOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      if (equals < 1)
        throw new MaestroError('CONFIG_INVALID', `expected \`params\` as lines of name=value, got '${line.trim()}'`);
      return [line.slice(0, equals).trim(), line.slice(equals + 1)];
    }),
  );
}

function capacityOf(text: string): number {
  if (text === '') return availableParallelism();
  const capacity = Number(text);
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX) return capacity;
  throw new MaestroError('CONFIG_INVALID', `expected \`capacity\` from 1 to ${CAPACITY_MAX}, got '${text}'`);
}
