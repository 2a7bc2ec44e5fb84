import { MaestroError } from '../../base/errors.ts';
import { defineStep } from '../define.ts';
import { findFiles } from '../files.ts';
import { UPLOAD_HEAD } from './upload-head.ts';

interface UploadInput {
  readonly name: string;
  readonly path: string | readonly string[];
  readonly required?: boolean;
}

export const uploadStep = defineStep<UploadInput>({
  ...UPLOAD_HEAD,
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
