import { MaestroError } from '../../base/errors.ts';
import type { MadeArtifact } from '../../protocol/lease.ts';
import { defineStep } from '../define.ts';
import { DOWNLOAD_HEAD } from './download-head.ts';

/** All files of one download. A worker's disk is not endless. */
const DOWNLOAD_BYTES_MAX = 17_179_869_184;

interface DownloadInput {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
  readonly required?: boolean;
}

export const downloadStep = defineStep<DownloadInput>({
  ...DOWNLOAD_HEAD,
  run: async (context, { name, from, to = '.', required = true }) => {
    const found = await context.artifacts.find({ name, ...(from === undefined ? {} : { from }) });
    if (found.length === 0 && required)
      throw new MaestroError(
        'ARTIFACT_NOT_FOUND',
        `expected an artifact ${name} of ${from ?? 'a step'} that this step needs, found none`,
      );
    const files = eachPathOnce(found);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    if (sizeBytes > DOWNLOAD_BYTES_MAX)
      throw new MaestroError('OUTPUT_TOO_LARGE', `expected at most ${DOWNLOAD_BYTES_MAX} bytes, got ${sizeBytes}`);
    await context.artifacts.restore(files, to);
    context.log(`artifact ${name}: ${files.length} files, ${sizeBytes} bytes, in ${to}`);
    const told = files.slice(0, FILES_TOLD_MAX).map(({ path, digest }) => ({ path, digest }));
    return { kind: 'succeeded', result: { name, path: to, files: told, sizeBytes } };
  },
});

const FILES_TOLD_MAX = 1000;

/** Which of two contents a path gets would be chance. Equal ones are one file. */
function eachPathOnce(found: readonly MadeArtifact[]): readonly MadeArtifact[] {
  const known = new Map<string, MadeArtifact>();
  for (const file of found) {
    const other = known.get(file.path);
    if (other && other.digest !== file.digest)
      throw new MaestroError(
        'CONFLICT',
        `expected one content for ${file.path}, got those of ${other.step} and ${file.step}: name one in with.from`,
      );
    known.set(file.path, file);
  }
  return [...known.values()];
}
