import { createPrivateKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { isMaestroError } from '../../src/base/errors.ts';
import { signPayload } from '../../src/provenance/envelope.ts';
import { readPublicKey } from '../../src/provenance/public-key.ts';
import { buildReceipt } from '../../src/provenance/receipt.ts';
import type { Signer } from '../../src/provenance/signer.ts';
import { openAwsKey } from '../../src/provenance/signers/aws-kms.ts';
import { openAzureKey } from '../../src/provenance/signers/azure-key-vault.ts';
import { openGcpKey } from '../../src/provenance/signers/gcp-kms.ts';
import { type KeyService, openServiceSigner } from '../../src/provenance/signers/key-service.ts';
import { type KmsKey, parseKmsUri } from '../../src/provenance/signers/kms-uri.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { openTransitKey } from '../../src/provenance/signers/vault-transit.ts';
import { verifyReceipt } from '../../src/provenance/verify.ts';
import { openVaultAccount, type VaultLogin } from '../../src/secrets/vault/vault-account.ts';
import { AWS, AZURE, FakeKeyService, GCP, VAULT } from '../fakes/key-services.ts';
import { OpenBao } from '../fakes/openbao.ts';
import { describeWith } from '../real-parts.ts';
import { sampleRun } from '../unit/provenance/sample-run.ts';
import { shownOf } from '../unit/secrets/planted.ts';
import { TLS_FILE } from '../unit/worker/egress-world.ts';

/** Stands for what a service is shown; it must turn up in no error. */
const PLANTED = 'PLANTED-credential';
/** Of a service that hangs in a test. */
const CALL_MS_MAX = 600;

type KeyOf<Type extends KmsKey['type']> = Extract<KmsKey, { type: Type }>;

const keyAt = <Type extends KmsKey['type']>(uri: string): KeyOf<Type> => parseKmsUri(uri) as KeyOf<Type>;

const VENDORS: readonly (readonly [string, FakeKeyService, (address: string) => Promise<KeyService>])[] = [
  [
    'AWS KMS',
    new FakeKeyService(AWS),
    (address) =>
      openAwsKey(keyAt<'aws'>(`kms://aws/alias/receipts?region=eu-west-1&endpoint=http://${address}`), {
        credentials: { accessKeyId: 'AKIA', secretAccessKey: PLANTED, sessionToken: PLANTED },
        maxAttempts: 1,
      }),
  ],
  [
    'Google Cloud KMS',
    new FakeKeyService(GCP),
    async (address) => {
      const { OAuth2Client } = await import('google-auth-library');
      const authClient = new OAuth2Client();
      authClient.setCredentials({ access_token: PLANTED });
      const version = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
      return openGcpKey(keyAt<'gcp'>(`kms://gcp/${version}?endpoint=http://${address}`), { authClient });
    },
  ],
  [
    'Azure Key Vault',
    new FakeKeyService(AZURE),
    (address) => {
      const credential = { getToken: async () => ({ token: PLANTED, expiresOnTimestamp: Date.now() + 3_600_000 }) };
      return openAzureKey(keyAt<'azure'>(`kms://azure/${address}/receipts/v1`), credential, {
        disableChallengeResourceVerification: true,
        tlsOptions: { ca: readFileSync(TLS_FILE) },
        retryOptions: { maxRetries: 0 },
      });
    },
  ],
  [
    'Vault transit',
    new FakeKeyService(VAULT),
    async (address) => {
      const tokenFile = join(await mkdtemp(join(tmpdir(), 'maestro-token-')), 'token');
      await writeFile(tokenFile, PLANTED, { mode: 0o600 });
      const place = { url: `http://${address}`, namespace: undefined };
      const account = openVaultAccount(place, { method: 'token', tokenFile }, { fetch, clock: SYSTEM_CLOCK });
      return openTransitKey(keyAt<'vault'>('kms://vault/transit/receipts'), account);
    },
  ],
];

describe('a signer with a local key', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-signer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  holdToContract(() => openLocalSigner(join(folder, 'key.pem')));
});

describe.each(VENDORS)('a signer with a key in %s', (_vendor, far, openKey) => {
  beforeAll(() => far.open());
  afterAll(() => far.close());
  beforeEach(() => {
    far.behave('serve');
    far.replaceKey('prime256v1');
  });
  const open = async (callMsMax?: number): Promise<Signer> => openServiceSigner(await openKey(far.address), callMsMax);

  holdToContract(() => open());

  it('asks for the public key once', async () => {
    const signer = await open();
    far.calls.length = 0;
    await signer.sign(Buffer.from('a'));
    await signer.sign(Buffer.from('b'));
    expect(
      far.calls.filter(({ method, headers }) => method === 'GET' || /PublicKey/.test(String(headers['x-amz-target']))),
    ).toEqual([]);
  });

  it.each(['secp384r1', 'secp256k1'])('refuses a key on %s', async (curve) => {
    far.replaceKey(curve);
    await expect(open()).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it.each(['garble', 'refuse', 'nonsense', 'hang'] as const)(
    'is unavailable while the service does this: %s; it holds no word of what it was sent, and works again afterwards',
    async (mood) => {
      const signer = await open(mood === 'hang' ? CALL_MS_MAX : undefined);
      far.behave(mood);
      const error: unknown = await signer.sign(Buffer.from('x')).then(
        () => expect.fail('it signed'),
        (failure: unknown) => failure,
      );
      expect(isMaestroError(error, 'SIGNER_UNAVAILABLE')).toBe(true);
      expect(shownOf(error)).not.toContain(PLANTED);
      const opened = await open(CALL_MS_MAX).then(
        () => 'open',
        (failure: { code: string }) => failure.code,
      );
      // A public key needs no signature.
      expect(opened).toBe(mood === 'garble' ? 'open' : 'SIGNER_UNAVAILABLE');
      far.behave('serve');
      expect(verify('sha256', Buffer.from('x'), signer.publicKeyPem, await signer.sign(Buffer.from('x')))).toBe(true);
    },
  );

  it('does not sign with another key that has come in its place', async () => {
    const signer = await open();
    far.replaceKey('prime256v1');
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'SIGNER_UNAVAILABLE' });
  });
});

describeWith('openbao', 'a signer with a key in the transit engine of a real OpenBao', (program) => {
  const bao = new OpenBao(program);
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-transit-'));
    await bao.open({ jwt_validation_pubkeys: [(await openLocalSigner(join(folder, 'idp.pem'))).publicKeyPem] });
    await bao.root('sys/mounts/ci/transit', { type: 'transit' });
    await bao.root('ci/transit/keys/receipts', { type: 'ecdsa-p256' });
    await bao.root('ci/transit/keys/large', { type: 'ecdsa-p384' });
    await bao.root('sys/policies/acl/receipts', {
      policy: `path "ci/transit/keys/*" { capabilities = ["read"] }
        path "ci/transit/sign/*" { capabilities = ["update"] }`,
    });
    await bao.root('sys/auth/approle', { type: 'approle' });
    await bao.root('auth/approle/role/maestro', { token_policies: ['receipts'], token_ttl: '10m' });
  });
  afterAll(async () => {
    await bao.close();
    await rm(folder, { recursive: true });
  });

  const accountOf = (login: VaultLogin) =>
    openVaultAccount({ url: bao.url, namespace: undefined }, login, { fetch, clock: SYSTEM_CLOCK });
  const secretFile = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), `${text}\n`, { mode: 0o600 });
    return join(folder, name);
  };
  const appRole = async (): Promise<VaultLogin> => {
    const role = (await bao.root('auth/approle/role/maestro/role-id')) as { data: { role_id: string } };
    const secret = (await bao.root('auth/approle/role/maestro/secret-id', {})) as { data: { secret_id: string } };
    const secretIdFile = await secretFile('secret-id', secret.data.secret_id);
    return { method: 'approle', mount: 'approle', roleId: role.data.role_id, secretIdFile };
  };
  const open = async (uri = 'kms://vault/ci/transit/receipts'): Promise<Signer> =>
    openServiceSigner(openTransitKey(keyAt<'vault'>(uri), accountOf(await appRole())));

  holdToContract(open);

  it('refuses a key on another curve', async () => {
    await expect(open('kms://vault/ci/transit/large')).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('is reached with a token of a file, and with a token of this machine that the vault verifies', async () => {
    const key = keyAt<'vault'>('kms://vault/ci/transit/receipts');
    const claims = new SignJWT({ sub: 'conductor' }).setAudience('bao').setIssuedAt().setExpirationTime('5m');
    const idp = createPrivateKey(readFileSync(join(folder, 'idp.pem')));
    const jwtFile = await secretFile('jwt', await claims.setProtectedHeader({ alg: 'ES256' }).sign(idp));
    await chmod(jwtFile, 0o644);
    await bao.root('auth/jwt/role/signer', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: ['bao'],
      token_policies: ['receipts'],
    });
    const made = (await bao.root('auth/token/create', { policies: ['receipts'] })) as {
      auth: { client_token: string };
    };
    const tokenFile = await secretFile('token', made.auth.client_token);
    const logins: VaultLogin[] = [
      { method: 'jwt', mount: 'jwt', role: 'signer', jwtFile },
      { method: 'token', tokenFile },
    ];
    for (const login of logins) {
      const account = accountOf(login);
      const signer = await openServiceSigner(openTransitKey(key, account));
      expect(verify('sha256', Buffer.from('x'), signer.publicKeyPem, await signer.sign(Buffer.from('x')))).toBe(true);
      await account.close();
    }
    await chmod(tokenFile, 0o644);
    await expect(
      openServiceSigner(openTransitKey(key, accountOf({ method: 'token', tokenFile }))),
    ).rejects.toMatchObject({
      code: 'SIGNER_UNAVAILABLE',
      message: expect.stringContaining('0600'),
    });
  });

  it('keeps to its version when the key is rotated over there, and takes the new one when it is opened again', async () => {
    const before = await open();
    await bao.root('ci/transit/keys/receipts/rotate', {});
    const bytes = Buffer.from('after');
    expect(verify('sha256', bytes, before.publicKeyPem, await before.sign(bytes))).toBe(true);
    const after = await open();
    expect(after.keyHint).not.toBe(before.keyHint);
    expect((await open('kms://vault/ci/transit/receipts?version=1')).keyHint).toBe(before.keyHint);
    await expect(open('kms://vault/ci/transit/receipts?version=9')).rejects.toMatchObject({
      code: 'SIGNER_UNAVAILABLE',
    });
  });

  it('logs in anew when its token was taken back, gives its own back, and says nothing of a login that is refused', async () => {
    const account = accountOf(await appRole());
    const signer = await openServiceSigner(openTransitKey(keyAt<'vault'>('kms://vault/ci/transit/receipts'), account));
    await bao.root('sys/leases/revoke-prefix/auth/approle', {});
    await signer.sign(Buffer.from('x'));
    await account.close();
    const secretIdFile = await secretFile('wrong', PLANTED);
    const refused = accountOf({ method: 'approle', mount: 'approle', roleId: 'none', secretIdFile });
    const error: unknown = await openServiceSigner(
      openTransitKey(keyAt<'vault'>('kms://vault/ci/transit/receipts'), refused),
    ).catch((failure: unknown) => failure);
    expect(isMaestroError(error, 'SIGNER_UNAVAILABLE')).toBe(true);
    expect(shownOf(error)).not.toContain(PLANTED);
  });
});

function holdToContract(open: () => Promise<Signer>): void {
  it('makes DER signatures over SHA-256 that its public key verifies, of nothing, of little and of a megabyte', async () => {
    const signer = await open();
    expect(readPublicKey(signer.publicKeyPem)?.hint).toBe(signer.keyHint);
    for (const bytes of [Buffer.alloc(0), Buffer.from('receipt'), Buffer.alloc(1_048_576, 7)]) {
      const signature = await signer.sign(bytes);
      expect(verify('sha256', bytes, { key: signer.publicKeyPem, dsaEncoding: 'der' }, signature)).toBe(true);
      expect(verify('sha256', Buffer.from('other'), signer.publicKeyPem, signature)).toBe(false);
    }
  });

  it('signs receipts that hold', async () => {
    const signer = await open();
    const { payload, payloadSha256 } = buildReceipt(sampleRun(20));
    const bundle = Buffer.from(await signPayload(payload, signer));
    expect(verifyReceipt({ bundle, key: signer.publicKeyPem }).payloadSha256).toBe(payloadSha256);
  });

  it('signs many at once, each its own', async () => {
    const signer = await open();
    const texts = Array.from({ length: 32 }, (_, i) => Buffer.from(`receipt ${i}`));
    const signatures = await Promise.all(texts.map((bytes) => signer.sign(bytes)));
    texts.forEach((bytes, i) => {
      expect(verify('sha256', bytes, signer.publicKeyPem, signatures[i] as Uint8Array)).toBe(true);
    });
  });

  it('has the same key when it is opened again', async () => {
    expect((await open()).keyHint).toBe((await open()).keyHint);
  });
}
