import process from 'node:process';
import { failJob } from '../fail-job.ts';
import { takeEnvironment } from '../job-environment.ts';
import { handedOnBytes, runElevated, runWithEnvironment, shouldElevate } from './elevate.ts';
import { runAction } from './run-action.ts';

try {
  const sizeBytes = handedOnBytes();
  if (sizeBytes !== undefined) process.exitCode = await runWithEnvironment(sizeBytes);
  else process.exitCode = shouldElevate() ? await runElevated() : await runAction(takeEnvironment());
} catch (error) {
  failJob('Maestro', error);
}
