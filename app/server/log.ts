import pino, { type DestinationStream, type Logger } from 'pino';

/** Where errors of GitHub's client stand in a line, also those that Probot gathers into one. */
const ERRORS = ['err', 'error', 'err.aggregateErrors[*]', 'error.aggregateErrors[*]'];

/** JSON lines. What was sent to GitHub, and what it answered, stays out of them: either may hold what is private. */
export function openLog(level: string, destination?: DestinationStream): Logger {
  const redact = ERRORS.flatMap((path) => [`${path}.request`, `${path}.response`, `${path}.event`]);
  const options = { level, redact, serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err } };
  return destination ? pino(options, destination) : pino(options);
}
