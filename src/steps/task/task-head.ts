import type { WorkStepHead } from '../define.ts';

export const TASK_HEAD = {
  name: 'task',
  kind: 'work',
  description: 'Runs a task of the repository (`./path`) or of an installed package (`pkg:npm/…`).',
  isIdempotent: false,
  input: { type: 'object' },
  output: { type: 'object' },
} as const satisfies WorkStepHead;
