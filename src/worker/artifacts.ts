import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { MaestroError } from '../base/errors.ts';
import type { Annotation, Artifact } from '../protocol/outcome.ts';
import type { OwnArtifact } from '../steps/define.ts';
import { type FoundFile, findFiles, staticBase, tidyGlob } from '../steps/files.ts';
import { readRegularFile } from '../steps/output-file.ts';
import { isReportName, REPORT_BYTES_MAX, readReport } from './annotations/reports.ts';
import type { BlobStore } from './blob-store.ts';

/** Files of all artifacts of one attempt. */
const ARTIFACT_FILES_MAX = 10_000;
/** Files on their way to or from the conductor's store. */
export const TRANSFERS_AT_ONCE = 8;

export interface CollectedArtifacts {
  readonly artifacts: readonly Artifact[];
  /** Remarks of SARIF and JUnit reports among them. */
  readonly annotations: readonly Annotation[];
}

/**
 * Stores the files that a step leaves behind, by digest.
 *
 * @throws MaestroError ARTIFACT_NOT_FOUND where a required artifact matches nothing, OUTPUT_TOO_LARGE for too many files,
 * SECRET_IN_ARTIFACT
 */
export async function collectArtifacts(
  specs: readonly OwnArtifact[],
  workingDirectory: string,
  blobs: BlobStore,
): Promise<CollectedArtifacts> {
  const artifacts: Artifact[] = [];
  const annotations: Annotation[] = [];
  for (const spec of specs) {
    const { files, escaped } = await findFiles(workingDirectory, spec.paths);
    annotations.push(
      ...escaped.map(
        (path): Annotation => ({
          level: 'warning',
          path,
          message: `not kept in artifact ${spec.name}: the link leads out of the working directory`,
        }),
      ),
    );
    if (files.length === 0 && spec.isRequired)
      throw new MaestroError(
        'ARTIFACT_NOT_FOUND',
        `expected files of artifact ${spec.name} at ${spec.paths.join(', ')}, found none`,
      );
    if (artifacts.length + files.length > ARTIFACT_FILES_MAX)
      throw new MaestroError(
        'OUTPUT_TOO_LARGE',
        `expected at most ${ARTIFACT_FILES_MAX} artifact files: pack them into an archive`,
      );
    artifacts.push(...(await storeFiles(spec, files, blobs)));
    for (const file of files) annotations.push(...(await reportOf(file)));
  }
  return { artifacts, annotations };
}

async function storeFiles(
  spec: OwnArtifact,
  files: readonly FoundFile[],
  blobs: BlobStore,
): Promise<readonly Artifact[]> {
  const root = artifactRoot(spec.paths, files);
  return mapLimited(files, TRANSFERS_AT_ONCE, async (file) => {
    return {
      name: spec.name,
      path: file.path.slice(root.length),
      ...(await blobs.put(() => createReadStream(file.absolutePath), file.path)),
    };
  });
}

/** What all paths begin with: the folder that was named, or the one before the first wildcard; of several globs, what these have in common. */
function artifactRoot(globs: readonly string[], files: readonly FoundFile[]): string {
  const roots = globs.filter((glob) => !glob.startsWith('!')).map((glob) => rootOf(glob, files));
  const [first = '', ...rest] = roots;
  return rest.reduce(commonFolder, first);
}

function rootOf(glob: string, files: readonly FoundFile[]): string {
  const folder = `${tidyGlob(glob)}/`;
  if (files.some(({ path }) => path.startsWith(folder))) return folder;
  const base = staticBase(glob);
  return base === '' || base === '.' ? '' : `${base}/`;
}

function commonFolder(a: string, b: string): string {
  const [left, right] = [a.split('/'), b.split('/')];
  const firstOther = left.findIndex((name, i) => name !== right[i]);
  const shared = (firstOther < 0 ? left : left.slice(0, firstOther)).filter((name) => name !== '');
  return shared.length === 0 ? '' : `${shared.join('/')}/`;
}

async function reportOf(file: FoundFile): Promise<readonly Annotation[]> {
  if (!isReportName(file.path) || (await stat(file.absolutePath)).size > REPORT_BYTES_MAX) return [];
  return readReport(file.path, (await readRegularFile(file.absolutePath, REPORT_BYTES_MAX)) ?? '');
}

/** As `Promise.all` of `map`, with at most `limit` at once. Where one fails, no other is begun. */
export async function mapLimited<T, U>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<U>,
): Promise<readonly U[]> {
  const results: U[] = Array.from({ length: items.length });
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      results[i] = await work(items[i] as T).catch((error: unknown) => {
        next = items.length;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
