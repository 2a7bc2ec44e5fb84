import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { servicesFor } from '../../../src/cli/keyless-services.ts';
import { signPayload } from '../../../src/provenance/envelope.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { identityToken, SigstoreServer } from '../../fakes/sigstore.ts';
import { sampleRun, sampleSigner } from '../provenance/sample-run.ts';
import { FakeProcess, temporaryFolder } from './harness.ts';

const IDENTITY = 'https://github.com/acme/app/.github/workflows/attest.yml@refs/heads/main';
const ISSUER = 'https://token.actions.githubusercontent.com';
const TOKEN = identityToken({ iss: ISSUER, sub: IDENTITY });
const { payload, runRecord, payloadSha256 } = buildReceipt(sampleRun(3));

/** A project with a receipt in `proof`, signed by the key of the machine. */
async function project(): Promise<string> {
  const cwd = temporaryFolder();
  const signer = await openLocalSigner(join(cwd, 'keys', 'signing-key.pem'));
  mkdirSync(join(cwd, 'proof'));
  const files = {
    'run.json': runRecord,
    'maestro.pub': signer.publicKeyPem,
    'receipt.sigstore.json': await signPayload(payload, signer),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, 'proof', name), text);
  writeFileSync(join(cwd, 'own.pub'), signer.publicKeyPem);
  return cwd;
}

describe('maestro keys', () => {
  it('rotates and revokes, and receipts verify by the file that it keeps', async () => {
    const cwd = await project();
    const run = async (...words: string[]): Promise<{ code: number; out: string }> => {
      const process = new FakeProcess({ cwd });
      return { code: await process.run(...words), out: process.out };
    };
    const [current] = JSON.parse((await run('keys', 'list', '--json')).out).keys;
    expect(current).toMatchObject({ isCurrent: true });
    expect((await run('keys', 'rotate')).out).toContain(current.hint);
    // The clock of this process stands in January; the run ends in November, when the old key no longer counts.
    expect((await run('verify', 'proof', '--keys', 'keys/keys.json')).code).toBe(5);
    expect((await run('keys', 'rotate', '--overlap', '400d')).code).toBe(0);
    expect((await run('keys', 'revoke', current.hint)).out).toContain('revoked');
    const refused = await run('verify', 'proof', '--keys', 'keys/keys.json', '--json');
    expect([refused.code, JSON.parse(refused.out).error.code]).toEqual([5, 'KEY_REVOKED']);
  });

  it.each([
    [['keys']],
    [['keys', 'make']],
    [['keys', 'revoke']],
    [['keys', 'list', 'more']],
    [['keys', 'rotate', '--overlap', 'soon']],
    [['keys', 'revoke', 'none']],
    [['verify', 'proof', '--key', 'proof/maestro.pub', '--keys', 'keys/keys.json']],
    [['verify', 'proof', '--keys', 'proof/run.json']],
    [['verify', 'proof', '--certificate-identity', IDENTITY]],
    [['verify', 'proof', '--certificate-identity', IDENTITY, '--key', 'proof/maestro.pub']],
    [['attest', 'proof', '--key', 'own.pub']],
    [['attest', 'proof', '--identity-token-file', 'token', '--fulcio-url', 'http://127.0.0.1:9']],
  ])('a wrong request is one: %j', async (words) => {
    const cwd = await project();
    writeFileSync(join(cwd, 'token'), TOKEN);
    const process = new FakeProcess({ cwd });
    expect(await process.run(...words)).toBe(2);
  });
});

describe('maestro attest', () => {
  const sigstore = new SigstoreServer();
  const github = createServer((request, response) => {
    const isRight =
      request.headers.authorization === 'Bearer PLANTED-request' && request.url === '/token?v=1&audience=sigstore';
    response
      .writeHead(isRight ? 200 : 401)
      .end(JSON.stringify(isRight ? { value: TOKEN } : { message: request.headers }));
  });
  let services: string[];
  beforeAll(async () => {
    await Promise.all([sigstore.open(), new Promise<void>((done) => github.listen(0, '127.0.0.1', done))]);
    services = ['--fulcio-url', sigstore.url, '--tsa-url', sigstore.url];
  });
  afterAll(async () => {
    await sigstore.close();
    await new Promise((done) => github.close(done));
  });
  const job = (token: string) => ({
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}/token?v=1`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
  });

  it('signs as the job of GitHub Actions, and the receipt verifies by its identity', async () => {
    const cwd = await project();
    const attesting = new FakeProcess({ cwd, variables: job('PLANTED-request') });
    expect([await attesting.run('attest', 'proof', '--key', 'own.pub', ...services), attesting.err]).toMatchObject([
      0,
      expect.any(String),
    ]);
    writeFileSync(join(cwd, 'root.json'), sigstore.root);
    const whom = [
      '--certificate-identity',
      IDENTITY,
      '--certificate-oidc-issuer',
      ISSUER,
      '--trusted-root',
      'root.json',
    ];
    const verifying = new FakeProcess({ cwd });
    expect(await verifying.run('verify', 'proof', ...whom, '--json')).toBe(0);
    expect(JSON.parse(verifying.out)).toMatchObject({
      payloadSha256,
      certificateIdentity: IDENTITY,
      isRunRecordChecked: true,
    });
    const evil = whom.map((word) => word.replace('acme/app', 'acme/app-evil'));
    const refusing = new FakeProcess({ cwd });
    expect(await refusing.run('verify', 'proof', ...evil, '--json')).toBe(5);
    expect(JSON.parse(refusing.out).error.code).toBe('IDENTITY_MISMATCH');
  });

  it('signs with a token of a file, in a log where one is named, and says so in JSON', async () => {
    const cwd = await project();
    writeFileSync(join(cwd, 'token'), `${TOKEN}\n`);
    const process = new FakeProcess({ cwd });
    const words = [
      '--key',
      'own.pub',
      '--identity-token-file',
      'token',
      '--fulcio-url',
      sigstore.url,
      '--rekor-url',
      sigstore.url,
      '--json',
    ];
    expect(await process.run('attest', 'proof', ...words)).toBe(0);
    expect(JSON.parse(process.out)).toEqual({
      file: join(cwd, 'proof', 'receipt.keyless.sigstore.json'),
      payloadSha256,
      fulcioUrl: sigstore.url,
      rekorUrl: sigstore.url,
    });
  });

  it('signs nothing that does not hold, or was signed by another key than the given one', async () => {
    const cwd = await project();
    writeFileSync(join(cwd, 'token'), TOKEN);
    writeFileSync(join(cwd, 'team.pub'), (await sampleSigner()).publicKeyPem);
    const words = ['attest', 'proof', '--identity-token-file', 'token', ...services];
    expect(await new FakeProcess({ cwd }).run(...words, '--key', 'team.pub')).toBe(5);
    writeFileSync(join(cwd, 'proof', 'run.json'), '{}');
    expect(await new FakeProcess({ cwd }).run(...words, '--key', 'own.pub')).toBe(5);
    expect(() => readFileSync(join(cwd, 'proof', 'receipt.keyless.sigstore.json'))).toThrow('ENOENT');
  });

  it('shows no token where GitHub gives none', async () => {
    const process = new FakeProcess({ cwd: await project(), variables: job('PLANTED-wrong') });
    expect(await process.run('attest', 'proof', '--key', 'own.pub', ...services, '--json')).toBe(1);
    expect(process.out + process.err).toContain('SIGNER_UNAVAILABLE');
    expect(process.out + process.err).not.toContain('PLANTED');
  });

  it.each([
    ['public', 'sigstore.dev'],
    ['private', 'githubapp.com'],
    ['internal', 'githubapp.com'],
  ])('of a %s repository goes to %s, and to no log', (visibility, host) => {
    const claims = { iss: ISSUER, sub: IDENTITY, repository_visibility: visibility };
    const { fulcioUrl, tsaUrl, rekorUrl } = servicesFor(identityToken(claims), {});
    expect([fulcioUrl, tsaUrl, rekorUrl]).toEqual([
      expect.stringContaining(host),
      expect.stringContaining(host),
      undefined,
    ]);
  });
});
