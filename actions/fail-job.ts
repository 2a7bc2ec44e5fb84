import process from 'node:process';
import { isMaestroError, messageOf } from '../src/base/errors.ts';
import { workflowCommand } from './job-log.ts';

/** Ends the job as failed, with what is wrong and what to do, as an annotation. */
export function failJob(title: string, error: unknown): void {
  const advice = isMaestroError(error) ? ` (${error.code}; ${error.nextStep})` : '';
  process.stdout.write(`${workflowCommand('error', { title }, messageOf(error) + advice)}\n`);
  process.exitCode = 1;
}
