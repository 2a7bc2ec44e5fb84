import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { type KnownKey, trustedKeysText } from '../../src/provenance/trusted-keys.ts';
import { FakeKeyService, VAULT } from '../fakes/key-services.ts';
import { publicHalf } from '../fakes/sign-digest.ts';
import { type Ended, Project, startProcess } from './maestro.ts';

const SERVER = resolve(import.meta.dirname, '../../app/server.ts');
const OVER: Partial<KnownKey> = { notAfter: '2026-01-01T00:00:00Z' };
const REVOKED: Partial<KnownKey> = { isRevoked: true };

describe('a signing key that no longer counts', () => {
  const far = new FakeKeyService(VAULT);
  beforeAll(() => far.open());
  afterAll(() => far.close());
  let project: Project;
  beforeEach(() => {
    project = new Project();
    project.pipeline('name: prove\nsteps:\n  - id: a\n    shell: sh\n    run: echo done\n');
  });
  afterEach(() => project.remove());

  const farKey = (): string => String(publicHalf(far.key).export({ type: 'spki', format: 'pem' }));
  const keyFile = (): string => join(project.root, '.keys/maestro/signing-key.pem');
  const ring = (publicKeyPem: string, known: Partial<KnownKey>): void => {
    const path = join(dirname(keyFile()), 'keys.json');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, trustedKeysText([{ publicKeyPem, ...known }]));
  };
  /** Settings that name a key in a vault. */
  const vault = (): Record<string, string> => {
    const tokenFile = project.write('token', 'token');
    chmodSync(tokenFile, 0o600);
    return {
      MAESTRO_SIGNING_KEY: 'kms://vault/transit/receipts',
      MAESTRO_KMS_VAULT_URL: `http://${far.address}`,
      MAESTRO_KMS_VAULT_TOKEN_FILE: tokenFile,
    };
  };
  const serve = (settings: Record<string, string>): Promise<Ended> => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const env = {
      ...project.environment,
      MAESTRO_URL: 'http://127.0.0.1:9',
      HOST: '127.0.0.1',
      PORT: '0',
      APP_ID: '1',
      PRIVATE_KEY: privateKey,
      WEBHOOK_SECRET: 'a secret of at least 32 characters',
      ...settings,
    };
    return startProcess([process.execPath, SERVER], project.root, env).ended;
  };
  const refusal = ({ code, stderr }: Ended) => ({ code, isRetired: stderr.includes('error[KEY_RETIRED]'), stderr });

  it.each([
    ['is over', OVER],
    ['is revoked', REVOKED],
  ])('ends the command line before a run begins: a file whose time %s, until it is rotated', async (_what, known) => {
    ring((await openLocalSigner(keyFile())).publicKeyPem, known);
    const refused = await project.maestro('run');
    expect(refusal(refused)).toMatchObject({ isRetired: true, stderr: expect.stringContaining('maestro keys rotate') });
    expect(refused.code).not.toBe(0);
    expect(refused.stdout).not.toContain('done');
    expect((await project.maestro('keys', 'rotate')).code).toBe(0);
    expect((await project.maestro('run')).code).toBe(0);
  });

  it('leaves everything to be read that was signed before, and begins nothing', async () => {
    expect((await project.maestro('run')).code).toBe(0);
    const pack = join(project.root, 'disclosure.tgz');
    expect((await project.maestro('disclose', 'latest', '-o', pack)).code).toBe(0);
    const packed = readFileSync(pack);
    ring((await openLocalSigner(keyFile())).publicKeyPem, OVER);
    for (const command of [
      ['status'],
      ['status', 'latest'],
      ['logs', 'latest'],
      ['receipt', 'latest'],
      ['gate', 'latest'],
    ])
      expect(await project.maestro(...command)).toMatchObject({ stderr: expect.not.stringContaining('KEY_RETIRED') });
    expect((await project.maestro('receipt', 'latest')).code).toBe(0);
    expect((await project.maestro('disclose', 'latest', '-o', pack)).code).toBe(0);
    expect(readFileSync(pack).equals(packed)).toBe(true);
    for (const command of [['run'], ['retry', 'latest'], ['resume', 'latest']])
      expect(refusal(await project.maestro(...command))).toMatchObject({ isRetired: true });
    // What was not signed before would have to be signed now.
    expect(refusal(await project.maestro('disclose', 'latest', '--public', '-o', pack))).toMatchObject({
      isRetired: true,
    });
    const { stdout } = await project.maestro('status', '--json');
    expect(JSON.parse(stdout)).toHaveLength(1);
  }, 60_000);

  it('ends the command line: a key of a service', async () => {
    ring(farKey(), REVOKED);
    const refused = await project.start(['run'], vault()).ended;
    expect(refusal(refused)).toMatchObject({ isRetired: true });
    ring(farKey(), {});
    expect((await project.start(['run'], vault()).ended).code).toBe(0);
  });

  it.each([
    ['is over', OVER],
    ['is revoked', REVOKED],
  ])('ends the server: a file whose time %s', async (_what, known) => {
    ring((await openLocalSigner(keyFile())).publicKeyPem, known);
    expect(refusal(await serve({}))).toMatchObject({ code: 2, isRetired: true });
  });

  it('ends the server: a key of a service', async () => {
    ring(farKey(), OVER);
    expect(refusal(await serve(vault()))).toMatchObject({ code: 2, isRetired: true });
  });
});
