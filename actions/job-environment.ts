import process from 'node:process';
import { MaestroError } from '../src/base/errors.ts';

export type JobEnvironment = Readonly<Record<string, string | undefined>>;

/** What programs that this job starts, and crash reports, must not carry on. */
const SECRET_VARIABLES =
  /^(ACTIONS_ID_TOKEN_REQUEST_|ACTIONS_RUNTIME_|ACTIONS_RESULTS_|ACTIONS_CACHE_|INPUT_|GITHUB_TOKEN$|GH_TOKEN$)/;

/**
 * A copy of the job's environment; afterwards the process's own one is without its credentials.
 *
 * `/proc/PID/environ` still shows what the process was started with: keeping that from steps is what isolation is for.
 */
export function takeEnvironment(): JobEnvironment {
  const taken = { ...process.env };
  for (const name of Object.keys(process.env)) {
    if (SECRET_VARIABLES.test(name)) delete process.env[name];
  }
  return taken;
}

/** The trimmed value of an input of the action; '' where it is not given. */
export function input(env: JobEnvironment, name: string): string {
  return (env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}

/** Throws CONFIG_INVALID naming the input. */
export function requiredInput(env: JobEnvironment, name: string): string {
  const value = input(env, name);
  if (value === '')
    throw new MaestroError('CONFIG_INVALID', `expected the input \`${name}\` (\`with: { ${name}: … }\`), got nothing`);
  return value;
}

/** A variable that every runner sets. Throws CONFIG_INVALID. */
export function requiredVariable(env: JobEnvironment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected the variable ${name}, which a job of GitHub Actions has, got nothing`,
    );
  return value;
}
