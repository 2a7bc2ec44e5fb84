import type { WorkStepHead } from '../define.ts';
import { ARTIFACT_NAME } from './artifact-name.ts';

export const DOWNLOAD_HEAD = {
  name: 'artifact.download',
  kind: 'work',
  description: 'Writes the files of an artifact, made by a step that this one needs, each held to its digest.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['name'],
    additionalProperties: false,
    properties: {
      name: { ...ARTIFACT_NAME, description: 'What the artifact is called' },
      from: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        description: 'Id of the step that made it, where several steps made one of that name',
      },
      to: {
        type: 'string',
        minLength: 1,
        maxLength: 4096,
        description: 'Folder below the working directory; it is made. Default: the working directory itself',
      },
      required: { type: 'boolean', description: 'False: it is no failure where there is none. Default: true' },
    },
  },
  output: {
    type: 'object',
    required: ['name', 'path', 'files', 'sizeBytes'],
    properties: {
      name: { type: 'string' },
      path: { type: 'string', description: 'The folder, as `to` names it' },
      files: { type: 'array', items: { type: 'object' }, description: '`{ path, digest }` of each, at most 1000' },
      sizeBytes: { type: 'integer' },
    },
  },
} as const satisfies WorkStepHead;
