import type { Lease } from '../protocol/lease.ts';
import { WORKER_TOKEN_VARIABLE } from './reaper.ts';

/** What a step sees of the worker's own environment. Everything else stays outside: it may hold the worker's credentials. */
const ALLOWED = new Set(['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'USER', 'LOGNAME', 'SHELL']);
const FALLBACK_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function allowedEnvironment(
  host: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const kept = Object.entries(host).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined && (ALLOWED.has(entry[0]) || entry[0].startsWith('LC_'));
  });
  return { PATH: FALLBACK_PATH, ...Object.fromEntries(kept), TERM: 'dumb', CI: 'true' };
}

export interface AttemptPlaces {
  readonly repositoryRoot: string;
  readonly temporaryDirectory: string;
}

/** What marks the programs of one worker; see `openReaper`. */
export function workerMark(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { [WORKER_TOKEN_VARIABLE]: token };
}

/** Maestro's own variables: a pipeline's `env` cannot change them. */
export function attemptEnvironment(lease: Lease, places: AttemptPlaces): Readonly<Record<string, string>> {
  return {
    TMPDIR: places.temporaryDirectory,
    MAESTRO: 'true',
    MAESTRO_RUN_ID: lease.runId,
    MAESTRO_STEP: lease.step.id,
    MAESTRO_ATTEMPT: String(lease.attempt),
    MAESTRO_ITERATION: String(lease.iteration),
    MAESTRO_IDEMPOTENCY_KEY: lease.idempotencyKey,
    MAESTRO_WORKSPACE: places.repositoryRoot,
    MAESTRO_TEMP: places.temporaryDirectory,
  };
}
