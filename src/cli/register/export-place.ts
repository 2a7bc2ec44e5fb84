import { resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { BUCKET_SCHEME, parseBucketUri } from './tile-bucket/bucket-uri.ts';
import { parseLockMode, parsePeriod, type RetentionAsked } from './tile-bucket/retention.ts';
import { openTileFolder } from './tile-folder.ts';
import type { TileReader, TileStore } from './tile-store.ts';

/** Flags that only a bucket has a meaning for. */
const LOCK_FLAGS = ['retain', 'retain-mode'];
/** Nobody means a folder of such a name. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Where an export goes: a folder, or a bucket that locks it. @throws USAGE, BUCKET_UNFIT */
export async function openExportPlace(place: string, args: Arguments, context: CommandContext): Promise<TileStore> {
  if (!place.startsWith(BUCKET_SCHEME)) return folderAt(place, args, context);
  const asked = retentionAsked(args);
  const { openTileBucket } = await import('./tile-bucket/tile-bucket.ts');
  return openTileBucket(await bucketAt(place, args), asked, context.clock.now());
}

/** What was exported to a folder or a bucket, to be read. @throws USAGE */
export async function readExportPlace(place: string, args: Arguments, context: CommandContext): Promise<TileReader> {
  if (!place.startsWith(BUCKET_SCHEME)) return folderAt(place, args, context);
  const { readTileBucket } = await import('./tile-bucket/tile-bucket.ts');
  return readTileBucket(await bucketAt(place, args));
}

function folderAt(place: string, args: Arguments, { cwd }: CommandContext): TileStore {
  if (SCHEME.test(place)) throw new MaestroError('USAGE', `expected a folder or s3://BUCKET/PREFIX, got '${place}'`);
  const flag = [...LOCK_FLAGS, 'endpoint'].find((name) => args.has(name));
  if (flag === undefined) return openTileFolder(resolve(cwd, place));
  throw new MaestroError(
    'USAGE',
    `--${flag} is for a bucket, s3://BUCKET/PREFIX: a folder is locked by its file system`,
  );
}

async function bucketAt(place: string, args: Arguments) {
  const { openBucket } = await import('./tile-bucket/bucket-client.ts');
  return openBucket(parseBucketUri(place), { endpoint: args.text('endpoint') });
}

function retentionAsked(args: Arguments): RetentionAsked {
  const [period, mode] = LOCK_FLAGS.map((name) => args.text(name));
  return {
    period: period === undefined ? undefined : parsePeriod(period),
    mode: mode === undefined ? undefined : parseLockMode(mode),
  };
}
