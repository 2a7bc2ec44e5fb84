import type { DefaultRetention } from '@aws-sdk/client-s3';
import { MaestroError } from '../../../base/errors.ts';
import type { BucketClient } from './bucket-client.ts';
import type { LockRule } from './retention.ts';

/**
 * A bucket that keeps what is written to it: it has versions, and locks them. Answers its own rule, if it has one.
 * @throws BUCKET_UNFIT
 */
export async function demandLock(bucket: BucketClient): Promise<LockRule | undefined> {
  const versioning = await bucket.call('tell of its versioning (s3:GetBucketVersioning)', (client, abortSignal) =>
    client.send(new bucket.aws.GetBucketVersioningCommand({ Bucket: bucket.bucket }), { abortSignal }),
  );
  if (versioning?.Status !== 'Enabled')
    throw unfit(bucket, `versioning is ${versioning?.Status === 'Suspended' ? 'suspended' : 'off'}`);
  const found = await bucket.call(
    'tell of its object lock (s3:GetBucketObjectLockConfiguration)',
    (client, abortSignal) =>
      client.send(new bucket.aws.GetObjectLockConfigurationCommand({ Bucket: bucket.bucket }), { abortSignal }),
    ['ObjectLockConfigurationNotFoundError'],
  );
  const lock = found?.ObjectLockConfiguration;
  if (lock?.ObjectLockEnabled !== 'Enabled') throw unfit(bucket, 'object lock is off');
  return ruleOf(lock.Rule?.DefaultRetention);
}

function unfit({ bucket, name }: BucketClient, came: string): MaestroError {
  return new MaestroError(
    'BUCKET_UNFIT',
    `expected a bucket with versioning and object lock for ${name}, so that nobody deletes or replaces what is exported: its ${came}; ` +
      `make one with \`aws s3api create-bucket --bucket ${bucket}-worm --object-lock-enabled-for-bucket\``,
  );
}

function ruleOf({ Mode, Days, Years }: DefaultRetention = {}): LockRule | undefined {
  if (Mode !== 'GOVERNANCE' && Mode !== 'COMPLIANCE') return undefined;
  if (Days !== undefined && Days > 0) return { mode: Mode, period: { count: Days, unit: 'd' } };
  if (Years !== undefined && Years > 0) return { mode: Mode, period: { count: Years, unit: 'y' } };
  return undefined;
}
