import { signPayload } from '../../../../src/provenance/envelope.ts';
import { parseTrustedKeys, trustedKeysText } from '../../../../src/provenance/trusted-keys.ts';
import type { Group } from './item.ts';
import { IDENTITY, keylessBundleItem, keylessGround, keylessItem } from './keyless-ground.ts';
import { bundleItem, ground, requestItem } from './receipts.ts';

const EVIL = IDENTITY.replace('acme/app', 'acme/app-evil');

export const IDENTITIES: Group = {
  title: 'Whose certificate it is',
  items: [
    keylessItem('acme/app-evil where acme/app is expected', 'IDENTITY_MISMATCH', async ({ sign }) => ({
      bundle: Buffer.from(await sign({ subject: EVIL })),
    })),
    keylessItem('acme/app where acme/app-evil is expected', 'IDENTITY_MISMATCH', () => ({ certificateIdentity: EVIL })),
    keylessItem('a beginning of the identity', 'IDENTITY_MISMATCH', () => ({
      certificateIdentity: 'https://github.com/acme/app',
    })),
    keylessItem('a pattern in place of the identity', 'IDENTITY_MISMATCH', () => ({ certificateIdentity: '.*' })),
    keylessItem('a certificate by way of another issuer', 'ISSUER_MISMATCH', async ({ sign }) => ({
      bundle: Buffer.from(await sign({ issuer: 'https://accounts.google.com' })),
    })),
    keylessItem('a beginning of the issuer', 'ISSUER_MISMATCH', () => ({ certificateIssuer: 'https://token.actions' })),
    keylessItem('a certificate of an authority that is not trusted', 'CERTIFICATE_UNTRUSTED', async ({ sign }) => ({
      bundle: Buffer.from(await sign({ foreign: ['fulcio'] })),
    })),
  ],
};

/** As verifiers are given it, with what is known about it. */
const known = async (about: object) => ({
  key: [{ publicKeyPem: (await ground()).signer.publicKeyPem, ...about }],
});

export const KEYS: Group = {
  title: 'A key or a certificate, and which key',
  items: [
    requestItem('a certificate where a key is expected', 'CERTIFICATE_UNEXPECTED', async () => ({
      bundle: Buffer.from((await keylessGround()).byTime),
    })),
    keylessItem('a key where a certificate is expected', 'CERTIFICATE_MISSING', async ({ receipt }) => ({
      bundle: Buffer.from(await signPayload(receipt.payload, (await ground()).signer)),
    })),
    requestItem('a key that nobody named', 'KEY_UNKNOWN', ({ stranger }) => ({ key: stranger.publicKeyPem })),
    bundleItem('another key than the bundle says', 'KEY_UNKNOWN', ({ verificationMaterial }, { stranger }) =>
      Object.assign(verificationMaterial, { publicKey: { hint: stranger.keyHint } }),
    ),
    requestItem('the signature of a stranger under the hint of the key', 'SIGNATURE_INVALID', async (given) => ({
      bundle: Buffer.from(
        await signPayload(given.receipt.payload, { ...given.stranger, keyHint: given.signer.keyHint }),
      ),
    })),
    requestItem('a revoked key', 'KEY_REVOKED', () => known({ isRevoked: true })),
    requestItem('a key that ended before the run did', 'KEY_OUT_OF_DATE', () =>
      known({ notAfter: '2026-11-19T00:00:00Z' }),
    ),
    requestItem('a key that began after the run', 'KEY_OUT_OF_DATE', () =>
      known({ notBefore: '2026-11-21T00:00:00Z' }),
    ),
    keylessItem('a trusted root that is none', 'TRUSTED_ROOT_INVALID', () => ({ trustedRoot: Buffer.from('{}') })),
    requestItem(
      'a file of keys in which one is both revoked and not',
      'KEYS_MALFORMED',
      ({ signer: { publicKeyPem } }) => ({
        key: parseTrustedKeys(Buffer.from(trustedKeysText([{ publicKeyPem, isRevoked: true }, { publicKeyPem }]))),
      }),
    ),
    requestItem('a private key', 'KEY_INVALID', () => ({
      key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
    })),
  ],
};

export const TIMES: Group = {
  title: 'When it was signed',
  items: [
    keylessItem('a timestamp of an authority that is not trusted', 'TIMESTAMP_UNTRUSTED', async ({ sign }) => ({
      bundle: Buffer.from(await sign({ foreign: ['tsa'] })),
    })),
    keylessBundleItem('the timestamp of another signature', 'TIMESTAMP_UNTRUSTED', (material, { late }) => {
      const { verificationMaterial } = JSON.parse(late.bundle) as { verificationMaterial: Record<string, unknown> };
      material['timestampVerificationData'] = verificationMaterial['timestampVerificationData'];
    }),
    keylessItem('an entry of a log that is not trusted', 'LOG_ENTRY_INVALID', async ({ sign }) => ({
      bundle: Buffer.from(await sign({ isLogged: true, foreign: ['rekor'] })),
    })),
    keylessItem('a time at which the certificate was not in force', 'TIMESTAMP_OUT_OF_WINDOW', ({ late }) => ({
      bundle: Buffer.from(late.bundle),
      trustedRoot: Buffer.from(late.root),
    })),
    keylessBundleItem(
      'no time at all',
      'TIMESTAMP_MISSING',
      (material) => delete material['timestampVerificationData'],
    ),
  ],
};
