import { MaestroError } from '../../../base/errors.ts';

export const BUCKET_SCHEME = 's3://';

/** As S3 names buckets. */
const BUCKET = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** What S3 calls safe in a key: the same in a URL, in a signature and on a terminal. */
const SEGMENT = /^(?!\.{1,2}$)[\w.!*'()-]+$/;
/** Of the 1,024 bytes of a key; what is below a prefix is far shorter than the rest. */
const PREFIX_CHARS_MAX = 512;

export interface BucketPlace {
  readonly bucket: string;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
}

/** `s3://BUCKET` or `s3://BUCKET/PREFIX`. @throws USAGE */
export function parseBucketUri(uri: string): BucketPlace {
  const [bucket = '', ...segments] = uri.slice(BUCKET_SCHEME.length).replace(/\/$/, '').split('/');
  const prefix = segments.map((segment) => `${segment}/`).join('');
  const isPlace =
    uri.startsWith(BUCKET_SCHEME) &&
    BUCKET.test(bucket) &&
    segments.every((segment) => SEGMENT.test(segment)) &&
    prefix.length <= PREFIX_CHARS_MAX;
  if (isPlace) return { bucket, prefix };
  throw new MaestroError(
    'USAGE',
    `expected s3://BUCKET/PREFIX, with a prefix of letters, digits and -_.!*'() between slashes, got '${uri.slice(0, PREFIX_CHARS_MAX)}'`,
  );
}
