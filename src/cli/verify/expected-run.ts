import { MaestroError } from '../../base/errors.ts';
import type { ExpectedRun } from '../../provenance/verify.ts';
import type { Arguments } from '../arguments.ts';

/** They say of which run a receipt must be. */
const EXPECTED_FLAGS = ['run-id', 'attempt', 'pipeline', 'repository'] as const;

const ATTEMPT = /^[1-9]\d{0,8}$/;

/** @throws USAGE for an attempt that is no number, or for an empty text, which would be of no run */
export function expectedRun(args: Arguments): ExpectedRun {
  const [runId, attempt, pipeline, repository] = EXPECTED_FLAGS.map((name) => {
    const text = args.text(name);
    if (text === '') throw new MaestroError('USAGE', `expected --${name} with a value`);
    return text;
  });
  if (attempt !== undefined && !ATTEMPT.test(attempt))
    throw new MaestroError('USAGE', `expected --attempt to be a number from 1, got ${attempt}`);
  return {
    ...(runId === undefined ? {} : { runId }),
    ...(attempt === undefined ? {} : { attempt: Number(attempt) }),
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(repository === undefined ? {} : { repository }),
  };
}
