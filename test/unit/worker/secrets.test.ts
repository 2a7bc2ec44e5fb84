import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { SecretScan } from '../../../src/worker/secret-scan.ts';
import { leaseOf } from './leases.ts';
import { WorkRoom } from './work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const script = (run: string, step: Partial<PlanStep> = {}): Lease =>
  leaseOf({}, { with: { run, shell: 'bash' }, ...step });

describe('masks that a step adds', () => {
  it('are ignored with one warning where they are too short', async () => {
    const outcome = await room.run(script('echo ::add-mask::e; echo ::add-mask::e; echo there'));
    expect(room.log).toBe('::add-mask::e\n::add-mask::e\nthere\n');
    expect(outcome.annotations).toMatchObject([{ level: 'warning' }]);
  });

  it('count for the log and for remarks of the step, and garble no words of Maestro', async () => {
    const run =
      'echo ::add-mask::exit; echo ::add-mask::carried; echo the exit; echo ::error::exit; echo ::set-env::x; exit 3';
    const outcome = await room.run(script(run));
    expect(room.log).toContain('the ***\n');
    expect(outcome).toMatchObject({ kind: 'failed', exitCode: 3, message: expect.not.stringContaining('***') });
    expect(outcome.annotations).toMatchObject([
      { level: 'failure', message: '***' },
      { level: 'notice', message: expect.stringContaining('is not carried out') },
    ]);
  });

  it('leave the names of outputs as they are', async () => {
    const outcome = await room.run(script('echo ::add-mask::made; echo made=was-made-here >> "$GITHUB_OUTPUT"'));
    expect(outcome.outputs).toEqual({ made: 'was-***-here' });
  });
});

describe('a declared secret', () => {
  it('of one or two bytes is not masked, which a warning says once', async () => {
    room.client.secretValues.PIN = '42';
    const outcome = await room.run(script('echo 42; echo made=42 >> "$GITHUB_OUTPUT"', { secrets: ['PIN'] }));
    expect(room.log).toBe('42\n');
    expect(outcome.outputs).toEqual({ made: '42' });
    expect(outcome.annotations).toMatchObject([{ level: 'warning', message: expect.stringContaining('PIN') }]);
  });

  const forms = ['cat', 'base64', 'xxd -p', "sed 's/&/\\&amp;/'"];
  it.each(forms)('in an artifact (%s) fails the step, and the message names the file alone', async (encode) => {
    room.client.secretValues.TOKEN = 's3cret&value-1';
    const outcome = await room.run(
      script(`mkdir out; echo fine > out/a; printf %s "$TOKEN" | ${encode} > out/b`, {
        secrets: ['TOKEN'],
        artifacts: [{ name: 'out', path: 'out/**', isRequired: true }],
      }),
    );
    expect(outcome).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'SECRET_IN_ARTIFACT',
      message: expect.stringContaining('out/b'),
    });
    expect(outcome.message).not.toContain('s3cret');
    for (const bytes of room.client.blobs.values()) expect(bytes.toString()).not.toContain('s3cret');
  });

  it('in a file of the cache fails the step, and nothing is kept', async () => {
    room.client.secretValues.TOKEN = 's3cret-value-1';
    const cache = { key: 'k', ttlMs: 1000, paths: ['out/**'] };
    const outcome = await room.run(script('mkdir out; echo "a $TOKEN" > out/npmrc', { secrets: ['TOKEN'], cache }));
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'SECRET_IN_ARTIFACT' });
    expect(room.client.cache.size + room.client.blobs.size).toBe(0);
  });

  it('in an artifact of a step that failed anyway is not kept either', async () => {
    room.client.secretValues.TOKEN = 's3cret-value-1';
    const artifacts = [{ name: 'out', path: 'out', isRequired: true }];
    const outcome = await room.run(script('echo "$TOKEN" > out; exit 2', { secrets: ['TOKEN'], artifacts }));
    expect(outcome).toMatchObject({ kind: 'failed', exitCode: 2, annotations: [{ level: 'warning' }] });
    expect(room.client.blobs.size).toBe(0);
  });
});

describe('the scan of files', () => {
  async function isFound(values: readonly string[], chunks: readonly Uint8Array[]): Promise<boolean> {
    const content = (async function* () {
      yield* chunks;
    })();
    const passed: Uint8Array[] = [];
    try {
      for await (const chunk of new SecretScan(values).watch('f', content)) passed.push(chunk);
    } catch (error) {
      if (isMaestroError(error, 'SECRET_IN_ARTIFACT')) return true;
      throw error;
    }
    expect(Buffer.concat(passed).equals(Buffer.concat(chunks))).toBe(true);
    return false;
  }

  it('finds a secret however the content is cut, and passes all else on as it is', async () => {
    const bytes = fc.uint8Array({ maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, fc.nat(100), fc.boolean(), async (before, after, cut, isThere) => {
        const whole = Buffer.concat([before, Buffer.from(isThere ? 's3cret-value' : ''), after]);
        expect(await isFound(['s3cret-value'], [whole.subarray(0, cut), whole.subarray(cut)])).toBe(isThere);
      }),
    );
  });

  const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7';
  const pem = `-----BEGIN PRIVATE KEY-----\n${body}\nq8Zz\n-----END PRIVATE KEY-----\n`;
  const account = JSON.stringify({
    type: 'service_account',
    token_uri: 'https://oauth2.example.com/token',
    private_key: pem,
    password: 'correct horse',
  });
  it.each([
    ['an indented line of a key', pem, `key: |\n  ${body}\n`, true],
    ['the header of any key', pem, '-----BEGIN PRIVATE KEY-----\nABC\n', false],
    ['a key inside a JSON secret', account, pem, true],
    ['a password inside a JSON secret', account, 'it is correct horse', true],
    ['what is public in a JSON secret', account, '"service_account" https://oauth2.example.com/token', false],
    ['a secret so short that files hold it by chance', 'p1n', 'a p1n', false],
  ])('%s', async (_, value, text, expected) => {
    expect(await isFound([value], [Buffer.from(text)])).toBe(expected);
  });

  it('takes time in proportion to the content', async () => {
    const chunk = Buffer.alloc(1 << 20, 'a');
    const startedAt = performance.now();
    expect(await isFound([`${'a'.repeat(500)}b`, `${'ab'.repeat(200)}c`], Array(16).fill(chunk))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(6000);
  });
});
