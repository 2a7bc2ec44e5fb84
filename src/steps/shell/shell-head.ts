import type { WorkStepHead } from '../define.ts';

export const SHELL_HEAD = {
  name: 'shell',
  kind: 'work',
  description: 'Runs a script with bash, sh, python or pwsh; it fails where the script’s exit status is not 0.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['run'],
    additionalProperties: false,
    properties: {
      run: { type: 'string', minLength: 1, maxLength: 1_048_576 },
      shell: { enum: ['bash', 'sh', 'python', 'pwsh'] },
    },
  },
  output: { type: 'object', required: ['exitCode'], properties: { exitCode: { type: 'integer' } } },
} as const satisfies WorkStepHead;
