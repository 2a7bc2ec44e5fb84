import { createHash } from 'node:crypto';
import { addAbortSignal, pipeline, Readable, Transform } from 'node:stream';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { MaestroError } from '../../../base/errors.ts';
import { farReason } from '../../../base/far-reason.ts';
import { isSafeUrl } from '../../../base/safe-url.ts';
import { vendorLibrary } from '../../../base/vendor-library.ts';
import { TILE_BYTES_MAX } from '../tile-store.ts';
import type { BucketPlace } from './bucket-uri.ts';

/** One call, tries again included. */
const CALL_MS_MAX = 60_000;
/** The first and two more, with the library's own pauses between. */
const TRIES_MAX = 3;
const CONNECT_MS_MAX = 5000;
/** No file of a register is longer; lists and errors are far shorter. */
const ANSWER_BYTES_MAX = TILE_BYTES_MAX;
/** Stores beside AWS mostly name no region, and take this one. */
const REGION_OF_OTHERS = 'us-east-1';

export interface BucketSettings {
  /** Of a store beside AWS; undefined: as the AWS settings of this machine say. */
  readonly endpoint: string | undefined;
  /** Of one call; default a minute. */
  readonly callMsMax?: number;
}

type Library = typeof import('@aws-sdk/client-s3');

/** A bucket, and how it is asked. Endpoint, region and credentials come from where the AWS tools take them. */
export interface BucketClient extends BucketPlace {
  /** As people know it. */
  readonly name: string;
  readonly aws: Library;
  /**
   * One call, within its time. Errors hold the store's codes and none of its words: those may repeat what it was sent.
   * @param what it is to do, for the error
   * @param expected names or HTTP statuses of answers that are no failure: then it is undefined
   * @throws NETWORK_FAILED, STORE_REFUSED, CONFIG_INVALID
   */
  call<T>(
    what: string,
    deed: (client: S3Client, signal: AbortSignal) => Promise<T>,
    expected?: readonly (string | number)[],
  ): Promise<T | undefined>;
}

/** @throws USAGE, CONFIG_INVALID: no library, no region */
export async function openBucket(place: BucketPlace, settings: BucketSettings): Promise<BucketClient> {
  const { endpoint, callMsMax = CALL_MS_MAX } = settings;
  if (endpoint !== undefined && !isSafeUrl(endpoint))
    throw new MaestroError('USAGE', 'expected --endpoint with an https:// URL (http:// only for this machine itself)');
  const aws = await vendorLibrary('@aws-sdk/client-s3', 'a bucket', () => import('@aws-sdk/client-s3'));
  const client = await clientOf(aws, endpoint, callMsMax);
  boundAnswers(client, callMsMax);
  const name = `s3://${place.bucket}/${place.prefix}`.replace(/\/$/, '');
  return {
    ...place,
    name,
    aws,
    call: (what, deed, expected) => call({ name, client, callMsMax }, what, deed, expected),
  };
}

/** @throws CONFIG_INVALID where neither the settings of this machine nor the endpoint tell the region */
async function clientOf(aws: Library, endpoint: string | undefined, callMsMax: number): Promise<S3Client> {
  const settings: S3ClientConfig = {
    maxAttempts: TRIES_MAX,
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      requestTimeout: callMsMax / TRIES_MAX,
      throwOnRequestTimeout: true,
    },
    // A store beside AWS rarely has a name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  };
  const client = new aws.S3Client(settings);
  const region = await client.config.region().catch(() => undefined);
  if (region !== undefined) return client;
  if (endpoint !== undefined) return new aws.S3Client({ ...settings, region: REGION_OF_OTHERS });
  throw new MaestroError(
    'CONFIG_INVALID',
    'expected the region of the bucket: set AWS_REGION, or `region` of the AWS profile',
  );
}

/** The library reads an answer to its end, however long it is and takes. */
function boundAnswers(client: S3Client, msMax: number): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args);
      const response = output.response as { body?: unknown };
      if (response.body instanceof Readable) response.body = bounded(response.body, msMax);
      return output;
    },
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
}

function bounded(body: Readable, msMax: number): Readable {
  let sizeBytes = 0;
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      sizeBytes += chunk.length;
      done(sizeBytes > ANSWER_BYTES_MAX ? new AnswerTooLong() : null, chunk);
    },
  });
  // Whoever reads it hears of a failure; the callback is for those who do not.
  pipeline(body, counted, () => {});
  return addAbortSignal(AbortSignal.timeout(msMax), counted);
}

class AnswerTooLong extends Error {
  override readonly name = 'AnswerTooLong';
}

interface Line {
  readonly name: string;
  readonly client: S3Client;
  readonly callMsMax: number;
}

/** Ends in time whether or not the library listens to its signal. */
async function call<T>(
  { name, client, callMsMax }: Line,
  what: string,
  deed: (client: S3Client, signal: AbortSignal) => Promise<T>,
  expected: readonly (string | number)[] = [],
): Promise<T | undefined> {
  const signal = AbortSignal.timeout(callMsMax);
  const late = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => late.reject(new Error('late')));
  try {
    return await Promise.race([deed(client, signal), late.promise]);
  } catch (error) {
    const { name: code = '', $metadata } = error as FarFailure;
    if (expected.includes(code) || expected.includes($metadata?.httpStatusCode ?? 0)) return undefined;
    if (signal.aborted)
      throw new MaestroError('NETWORK_FAILED', `expected ${name} to ${what}: nothing came within ${callMsMax} ms`);
    throw failureOf(error, `expected ${name} to ${what}: ${farReason(error)}`);
  }
}

interface FarFailure {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Not the cause: its fields hold the request, and with it what it was signed with. */
function failureOf(error: unknown, message: string): MaestroError {
  const { name, $metadata } = error as FarFailure;
  const status = $metadata?.httpStatusCode;
  if (name === 'CredentialsProviderError')
    return new MaestroError(
      'CONFIG_INVALID',
      `${message}; give credentials as the AWS tools take them, such as AWS_PROFILE`,
    );
  if (status === 301 || name === 'PermanentRedirect')
    return new MaestroError('CONFIG_INVALID', `${message}; set AWS_REGION to the region of the bucket`);
  const isRefusal = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return new MaestroError(isRefusal ? 'STORE_REFUSED' : 'NETWORK_FAILED', message);
}

/** What S3 wants of a write to a locked bucket: it keeps nothing that was changed on its way. */
export function checksumsOf(bytes: Uint8Array): { readonly ContentMD5: string; readonly ChecksumSHA256: string } {
  const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('base64');
  return { ContentMD5: digest('md5'), ChecksumSHA256: digest('sha256') };
}
