import { MaestroError } from '../../base/errors.ts';
import { defineStep } from '../define.ts';
import { findFiles } from '../files.ts';
import { ARTIFACT_NAME } from './artifact-name.ts';

interface UploadInput {
  readonly name: string;
  readonly path: string | readonly string[];
  readonly required?: boolean;
}

const GLOB = { type: 'string', minLength: 1, maxLength: 4096 };

export const uploadStep = defineStep<UploadInput>({
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
  run: async (context, { name, path, required = true }) => {
    const paths = typeof path === 'string' ? [path] : path;
    const { files } = await findFiles(context.workingDirectory, paths);
    if (files.length === 0 && required)
      throw new MaestroError(
        'ARTIFACT_NOT_FOUND',
        `expected files of artifact ${name} at ${paths.join(', ')}, found none`,
      );
    context.log(`artifact ${name}: ${files.length} files`);
    return {
      kind: 'succeeded',
      result: { name, files: files.length },
      artifacts: [{ name, paths, isRequired: required }],
    };
  },
});
