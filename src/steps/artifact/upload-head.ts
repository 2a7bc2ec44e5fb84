import type { WorkStepHead } from '../define.ts';
import { ARTIFACT_NAME } from './artifact-name.ts';

const GLOB = { type: 'string', minLength: 1, maxLength: 4096 };

export const UPLOAD_HEAD = {
  name: 'artifact.upload',
  kind: 'work',
  description: 'Keeps files of the working directory as an artifact of the run.',
  isIdempotent: true,
  keeps: [{ input: 'name' }],
  input: {
    type: 'object',
    required: ['name', 'path'],
    additionalProperties: false,
    properties: {
      name: { ...ARTIFACT_NAME, description: 'What the artifact is called' },
      path: {
        description: 'A glob, or a list of them, below the working directory; `!glob` leaves out',
        anyOf: [GLOB, { type: 'array', items: GLOB, minItems: 1, maxItems: 100 }],
      },
      required: { type: 'boolean', description: 'False: it is no failure where nothing matches. Default: true' },
    },
  },
  output: {
    type: 'object',
    required: ['name', 'files'],
    properties: { name: { type: 'string' }, files: { type: 'integer', description: 'How many files were kept' } },
  },
} as const satisfies WorkStepHead;
