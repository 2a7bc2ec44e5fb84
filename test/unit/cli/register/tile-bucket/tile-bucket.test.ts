import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isMaestroError, messageOf } from '../../../../../src/base/errors.ts';
import { openBucket } from '../../../../../src/cli/register/tile-bucket/bucket-client.ts';
import type { RetentionAsked } from '../../../../../src/cli/register/tile-bucket/retention.ts';
import { openTileBucket } from '../../../../../src/cli/register/tile-bucket/tile-bucket.ts';
import { type Misdeed, S3Line } from '../../../../fakes/s3-line.ts';
import { describeWith } from '../../../../real-parts.ts';
import { PLANTED_SECRET, RealS3 } from '../../../../real-s3.ts';
import { shownOf } from '../../../secrets/planted.ts';

const ASKED: RetentionAsked = { period: { count: 7, unit: 'y' }, mode: undefined };
const TILE = 'tile/0/000';
/** Of a store that hangs in a test. */
const CALL_MS_MAX = 1500;

describeWith('versitygw', 'a bucket that what is exported goes to', (program) => {
  const s3 = new RealS3(program);
  let line: S3Line;
  beforeAll(async () => {
    await s3.open();
    line = await new S3Line(s3.address).open();
  });
  beforeEach(() => {
    for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
    line.misdeed = () => undefined;
    line.seen.length = 0;
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    await line.close();
    await s3.close();
  });
  const open = async (bucket: string, asked: Partial<RetentionAsked> = {}, now = Date.now(), callMsMax?: number) =>
    openTileBucket(
      await openBucket({ bucket, prefix: '' }, { endpoint: line.url, ...(callMsMax && { callMsMax }) }),
      { ...ASKED, ...asked },
      now,
    );
  const versionOf = async (bucket: string, key: string) => {
    const found = (await s3.versions(bucket)).filter(({ Key }) => Key === key);
    expect(found).toHaveLength(1);
    return { Bucket: bucket, Key: key, VersionId: found[0]?.VersionId };
  };
  const lockOf = async (of: { Bucket: string; Key: string; VersionId: string | undefined }) => {
    const { Retention } = await s3.owner.send(new GetObjectRetentionCommand(of)).catch((error: Error) => {
      if (error.name === 'NoSuchObjectLockConfiguration') return { Retention: undefined };
      throw error;
    });
    return { mode: Retention?.Mode, year: Retention?.RetainUntilDate?.getUTCFullYear() };
  };
  const inYears = (count: number): number => new Date().getUTCFullYear() + count;

  describe('locks it', () => {
    it('so that not even its owner deletes a version, or makes its lock shorter', async () => {
      const bucket = await s3.makeBucket();
      await (await open(bucket)).add(TILE, Buffer.from('tile'));
      const version = await versionOf(bucket, TILE);
      expect(await lockOf(version)).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
      const tomorrow = new Date(Date.now() + 86_400_000);
      for (const BypassGovernanceRetention of [false, true]) {
        const bypass = BypassGovernanceRetention ? { BypassGovernanceRetention } : {};
        await expect(s3.owner.send(new DeleteObjectCommand({ ...version, ...bypass }))).rejects.toThrow(/lock/);
        for (const Mode of ['COMPLIANCE', 'GOVERNANCE'] as const) {
          const Retention = { Mode, RetainUntilDate: tomorrow };
          await expect(
            s3.owner.send(new PutObjectRetentionCommand({ ...version, ...bypass, Retention })),
          ).rejects.toThrow(/lock/);
        }
      }
      expect(await lockOf(version)).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
    });

    it('and keeps each version of the checkpoint, which is replaced, under a lock of its own', async () => {
      const bucket = await s3.makeBucket();
      const store = await open(bucket);
      for (const note of ['one', 'two', 'two']) await store.replace('checkpoint', Buffer.from(note));
      const versions = await s3.versions(bucket);
      // The one that changed nothing left nothing.
      expect(versions.map(({ Key }) => Key)).toEqual(['checkpoint', 'checkpoint']);
      for (const { VersionId } of versions) {
        const version = { Bucket: bucket, Key: 'checkpoint', VersionId };
        expect(await lockOf(version)).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
        await expect(s3.owner.send(new DeleteObjectCommand(version))).rejects.toThrow(/lock/);
      }
    });

    it('by its own rule, where whoever exports says nothing', async () => {
      const bucket = await s3.makeBucket();
      await expect(open(bucket, { period: undefined })).rejects.toMatchObject({ code: 'USAGE' });
      const DefaultRetention = { Mode: 'GOVERNANCE', Years: 2 } as const;
      const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } as const;
      await s3.owner.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }));
      await (await open(bucket, { period: undefined })).add(TILE, Buffer.from('tile'));
      expect(await lockOf(await versionOf(bucket, TILE))).toEqual({ mode: 'GOVERNANCE', year: inYears(2) });
      await expect(open(bucket, { period: { count: 1, unit: 'y' } })).rejects.toMatchObject({ code: 'USAGE' });
    });

    it('also where it was there without a lock, or with a shorter one', async () => {
      const bucket = await s3.makeBucket();
      await s3.owner.send(new PutObjectCommand({ Bucket: bucket, Key: TILE, Body: 'tile' }));
      const version = await versionOf(bucket, TILE);
      expect((await lockOf(version)).mode).toBeUndefined();
      await (await open(bucket, { period: { count: 1, unit: 'y' } })).add(TILE, Buffer.from('tile'));
      expect(await lockOf(version)).toEqual({ mode: 'COMPLIANCE', year: inYears(1) });
      await (await open(bucket)).add(TILE, Buffer.from('tile'));
      expect(await lockOf(version)).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
      // A longer one stays as it is, and nothing was written beside.
      await (await open(bucket, { period: { count: 1, unit: 'd' }, mode: 'GOVERNANCE' })).add(
        TILE,
        Buffer.from('tile'),
      );
      expect(await lockOf(await versionOf(bucket, TILE))).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
    });

    it('and says so where it is held less firmly than asked', async () => {
      const bucket = await s3.makeBucket();
      await (await open(bucket, { mode: 'GOVERNANCE' })).add(TILE, Buffer.from('tile'));
      await expect((await open(bucket)).add(TILE, Buffer.from('tile'))).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('GOVERNANCE until'),
      });
    });
  });

  describe('is refused', () => {
    it('without object lock, with how to make one that has it, and nothing is written', async () => {
      const bucket = await s3.makeBucket(false);
      const refusal = { code: 'BUCKET_UNFIT', message: expect.stringContaining('--object-lock-enabled-for-bucket') };
      await expect(open(bucket)).rejects.toMatchObject(refusal);
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await s3.owner.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
      await expect(open(bucket)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('lock is off') });
      expect(await s3.versions(bucket)).toEqual([]);
    });

    it.each(['<Status>Suspended</Status>', ''])(
      'where it has a lock and its versions are said to be: %s',
      async (status) => {
        const bucket = await s3.makeBucket();
        line.misdeed = ({ url }, answer) => {
          if (!url?.includes('versioning')) return undefined;
          answer.end(`<VersioningConfiguration>${status}</VersioningConfiguration>`);
          return 'done';
        };
        await expect(open(bucket)).rejects.toMatchObject({
          code: 'BUCKET_UNFIT',
          message: expect.stringContaining(status === '' ? 'versioning is off' : 'versioning is suspended'),
        });
      },
    );

    it('that does not exist', async () => {
      await expect(open('no-such-bucket')).rejects.toMatchObject({
        code: 'STORE_REFUSED',
        message: expect.stringContaining('NoSuchBucket 404'),
      });
    });

    it.each<[string, Misdeed]>([
      [
        'takes locks and sets none',
        ({ method, url }, answer) => {
          if (method !== 'GET' || !url?.includes('retention')) return undefined;
          answer.writeHead(404).end('<Error><Code>NoSuchObjectLockConfiguration</Code></Error>');
          return 'done';
        },
      ],
      ['writes what is there again', ({ method }) => (method === 'PUT' ? { status: 200 } : undefined)],
    ])('of a store that %s', async (_name, misdeed) => {
      const store = await open(await s3.makeBucket());
      line.misdeed = misdeed;
      const ends = await Promise.allSettled(['a', 'b'].map((name) => store.add(`tile/0/${name}`, Buffer.from(name))));
      for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'BUCKET_UNFIT' } });
    });

    it('for a file that somebody hid', async () => {
      const bucket = await s3.makeBucket();
      await (await open(bucket)).add(TILE, Buffer.from('tile'));
      await s3.owner.send(new DeleteObjectCommand({ Bucket: bucket, Key: TILE }));
      await expect((await open(bucket)).add(TILE, Buffer.from('tile'))).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('delete marker'),
      });
    });

    it('for a file that somebody wrote over, though the version below stays', async () => {
      const bucket = await s3.makeBucket();
      await (await open(bucket)).add(TILE, Buffer.from('tile'));
      await s3.owner.send(new PutObjectCommand({ Bucket: bucket, Key: TILE, Body: 'other' }));
      await expect((await open(bucket)).add(TILE, Buffer.from('tile'))).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await s3.versions(bucket)).toHaveLength(2);
    });
  });

  it('is asked in time, and for as little as there is to do', async () => {
    const store = await open(await s3.makeBucket());
    await store.add('tile/0/000', Buffer.from('first'));
    line.seen.length = 0;
    // The first file showed what the store does.
    await store.add('tile/0/001', Buffer.from('second'));
    expect(line.seen).toHaveLength(1);
  });

  describe('of a store that misbehaves', () => {
    /** Names of nothing, for as long as somebody reads them. */
    const endless: Misdeed = (_query, answer) => {
      answer.writeHead(200, { 'content-type': 'application/xml' });
      const more = (): void => {
        while (!answer.destroyed && answer.write('<Key>'.repeat(20_000)));
      };
      answer.on('drain', more);
      more();
      return 'done';
    };
    const answering =
      (status: number, body: string, headers: Record<string, string> = {}): Misdeed =>
      (_query, answer) => {
        answer.writeHead(status, headers);
        answer.end(body);
        return 'done';
      };
    const MISDEEDS: readonly [string, Misdeed, string, RegExp][] = [
      ['hangs', () => 'done', 'NETWORK_FAILED', /nothing came|TimeoutError/],
      [
        'hangs in the middle of an answer',
        (_query, answer) => {
          answer.writeHead(200, { 'content-length': '100' });
          answer.write('half');
          return 'done';
        },
        'NETWORK_FAILED',
        /nothing came|TimeoutError/,
      ],
      [
        'breaks off in the middle of an answer',
        (_query, answer) => {
          answer.writeHead(200, { 'content-length': '100' });
          answer.write('half', () => answer.destroy());
          return 'done';
        },
        'NETWORK_FAILED',
        /ECONNRESET|nothing came/,
      ],
      [
        'hangs up',
        (_query, answer) => {
          answer.destroy();
          return 'done';
        },
        'NETWORK_FAILED',
        /ECONNRESET|nothing came/,
      ],
      ['never ends its answer', endless, 'NETWORK_FAILED', /AnswerTooLong/],
      [
        'is overloaded',
        answering(503, '<Error><Code>SlowDown</Code></Error>'),
        'NETWORK_FAILED',
        /SlowDown 503|nothing came/,
      ],
      [
        'refuses, and repeats what it was sent',
        ({ headers }, answer) => {
          answer.writeHead(403, { 'content-type': 'application/xml' });
          answer.end(
            `<Error><Code>AccessDenied</Code><Message>${headers.authorization} ${PLANTED_SECRET}</Message></Error>`,
          );
          return 'done';
        },
        'STORE_REFUSED',
        /AccessDenied 403/,
      ],
      ['is elsewhere', answering(301, '<Error><Code>PermanentRedirect</Code></Error>'), 'CONFIG_INVALID', /AWS_REGION/],
    ];

    it.each(MISDEEDS)('and %s: an export ends, and says no secret', async (_name, misdeed, code, why) => {
      const bucket = await s3.makeBucket();
      // What never ends is stopped by its length, which it has to have reached.
      const callMsMax = misdeed === endless ? CALL_MS_MAX * 20 : CALL_MS_MAX;
      const store = await open(bucket, {}, Date.now(), callMsMax);
      await store.add(TILE, Buffer.from('tile'));
      line.misdeed = misdeed;
      const began = Date.now();
      const deeds = [
        () => open(bucket, {}, Date.now(), callMsMax),
        () => store.sizes(),
        () => store.read(TILE),
        () => store.replace('checkpoint', Buffer.from('note')),
      ];
      const ends = await Promise.allSettled(deeds.map((deed) => deed()));
      for (const end of ends) {
        const error: unknown = end.status === 'rejected' ? end.reason : 'it went through';
        expect(isMaestroError(error) ? error.code : error).toBe(code);
        expect(messageOf(error)).toMatch(why);
        expect(shownOf(error)).not.toContain(PLANTED_SECRET);
        expect(shownOf(error)).not.toContain('Signature=');
      }
      expect(Date.now() - began).toBeLessThan(callMsMax * 4);
      line.misdeed = () => undefined;
      expect(Buffer.from(await store.read(TILE)).toString()).toBe('tile');
    });

    it.each<[string, Misdeed]>([
      ['nonsense', answering(200, 'nonsense')],
      ['nothing', answering(200, '')],
      ['a page', answering(200, '<html><body>Sign in</body></html>', { 'content-type': 'text/html' })],
      ['another root', answering(200, '<Something><Status>Enabled</Status></Something>')],
    ])('and answers %s where it should tell of its lock: it is not taken for one', async (_name, misdeed) => {
      const bucket = await s3.makeBucket();
      line.misdeed = (query, answer) => (query.url?.includes('object-lock') ? misdeed(query, answer) : undefined);
      const end = await open(bucket).catch((error: unknown) => error);
      expect(isMaestroError(end)).toBe(true);
      expect(isMaestroError(end) && ['BUCKET_UNFIT', 'NETWORK_FAILED'].includes(end.code)).toBe(true);
    });

    it('and fails once: it is asked again', async () => {
      const store = await open(await s3.makeBucket());
      let failures = 1;
      line.misdeed = (query, answer) =>
        failures-- > 0 ? answering(500, '<Error><Code>InternalError</Code></Error>')(query, answer) : undefined;
      await store.add(TILE, Buffer.from('tile'));
      expect(Buffer.from(await store.read(TILE)).toString()).toBe('tile');
    });

    it('and says in no words that a file is taken: it is read and compared', async () => {
      const store = await open(await s3.makeBucket());
      await store.add(TILE, Buffer.from('tile'));
      line.misdeed = ({ method }) => (method === 'PUT' ? { status: 412 } : undefined);
      await store.add(TILE, Buffer.from('tile'));
      await expect(store.add(TILE, Buffer.from('other'))).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    it('and loses its answer to a write: what it wrote is found to be ours', async () => {
      const bucket = await s3.makeBucket();
      const store = await open(bucket);
      let losses = 1;
      line.misdeed = ({ method }) => (method === 'PUT' && losses-- > 0 ? { status: 500 } : undefined);
      await store.add(TILE, Buffer.from('tile'));
      expect(await lockOf(await versionOf(bucket, TILE))).toEqual({ mode: 'COMPLIANCE', year: inYears(7) });
    });
  });

  it.each([
    ['http://s3.example.com', 'USAGE'],
    ['https://key:secret@s3.example.com', 'USAGE'],
    ['file:///etc', 'USAGE'],
    ['nowhere', 'USAGE'],
  ])('is not looked for at %s', async (endpoint, code) => {
    await expect(openBucket({ bucket: 'acme', prefix: '' }, { endpoint })).rejects.toMatchObject({ code });
  });

  it('is not waited for where the machine does not find its credentials in time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-aws-'));
    writeFileSync(join(folder, 'config'), '[profile slow]\ncredential_process = sleep 10\n');
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
    vi.stubEnv('AWS_PROFILE', 'slow');
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
    const began = Date.now();
    await expect(open('acme', {}, Date.now(), 500)).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('nothing came within 500 ms'),
    });
    expect(Date.now() - began).toBeLessThan(8000);
    rmSync(folder, { recursive: true });
  });

  it('needs a region and credentials, as the AWS tools take them', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    await expect(openBucket({ bucket: 'acme', prefix: '' }, { endpoint: undefined })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('AWS_REGION'),
    });
    const bucket = await s3.makeBucket();
    // A store beside AWS is taken for one that has no regions.
    await (await open(bucket)).add(TILE, Buffer.from('tile'));
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    await expect(open(bucket)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('AWS_PROFILE'),
    });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'somebody-else');
    await expect(open(bucket)).rejects.toMatchObject({ code: 'STORE_REFUSED' });
  });
});
