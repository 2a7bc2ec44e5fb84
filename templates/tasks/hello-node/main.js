import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import process, { env } from 'node:process';

/** Status that asks for another try later, for example while a service is busy. */
const RETRY_LATER = 75;

class RetryLater extends Error {}

/** `context` holds runId, step, attempt, idempotencyKey, workingDirectory and more; secrets are environment variables. */
function init(context) {
  return { attempt: context.attempt };
}

/** Maestro has held the input to the manifest's schema already: here stands what a schema cannot say. */
function validate(input) {
  if (input.name.trim() === '') throw new Error('expected a name, got white space');
  return input;
}

function execute(task, input) {
  if (input.name === 'nobody yet' && task.attempt === 1) throw new RetryLater('nobody is here yet');
  process.stdout.write(`greeting ${input.name}, attempt ${task.attempt}\n`);
  emit({ type: 'annotation', level: 'notice', message: `greeted ${input.name}` });
  return { greeting: `Hello, ${input.name}!` };
}

/** Each event is one line of JSON. */
function emit(event) {
  appendFileSync(env.MAESTRO_EVENTS, `${JSON.stringify(event)}\n`);
}

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

try {
  const task = init(read(env.MAESTRO_CONTEXT));
  const input = validate(read(env.MAESTRO_INPUT));
  writeFileSync(env.MAESTRO_OUTPUT, JSON.stringify(execute(task, input)));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof RetryLater ? RETRY_LATER : 1;
}
