import process from 'node:process';
import { failJob } from '../fail-job.ts';
import { takeEnvironment } from '../job-environment.ts';
import { runElevated, shouldElevate } from './elevate.ts';
import { runAction } from './run-action.ts';

try {
  process.exitCode = shouldElevate() ? await runElevated() : await runAction(takeEnvironment());
} catch (error) {
  failJob('Maestro', error);
}
