import type { Annotation } from '../../../src/protocol/outcome.ts';
import type { StepContext } from '../../../src/steps/define.ts';
import { stepOf } from '../worker/leases.ts';

/** A context for steps that run in the worker's process, with what they logged and remarked. */
export function contextOf(changes: Partial<StepContext> = {}): {
  context: StepContext;
  lines: string[];
  annotations: Annotation[];
} {
  const lines: string[] = [];
  const annotations: Annotation[] = [];
  const context: StepContext = {
    step: stepOf(),
    runId: 'run-1',
    attempt: 1,
    iteration: 0,
    idempotencyKey: 'key-1',
    contexts: { run: { pipeline: 'demo' } },
    secrets: {},
    env: {},
    repositoryRoot: '/nowhere',
    workingDirectory: '/nowhere',
    temporaryDirectory: '/nowhere',
    signal: new AbortController().signal,
    log: (line) => void lines.push(line),
    annotate: (annotation) => void annotations.push(annotation),
    runProgram: () => Promise.reject(new Error('this step runs no program')),
    artifacts: {
      find: () => Promise.resolve([]),
      restore: () => Promise.reject(new Error('this step reads no artifact')),
    },
    storeFile: () => Promise.reject(new Error('this step stores no file')),
    attest: () => Promise.reject(new Error('this step asks for no statement')),
    ...changes,
  };
  return { context, lines, annotations };
}
