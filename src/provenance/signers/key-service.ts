import { createHash, type KeyObject, verify } from 'node:crypto';
import { MaestroError } from '../../base/errors.ts';
import { farReason } from '../../base/far-reason.ts';
import { type PublicKey, toPublicKey } from '../public-key.ts';
import type { Signer } from '../signer.ts';

/**
 * One call, tries again included. Far below the 30 s for which a receipt is claimed, so that whoever waits for a service that
 * hangs still holds its claim when it gives up.
 */
const CALL_MS_MAX = 5000;
/** The first call also finds credentials, which may ask several places in turn; nobody waits for it but who starts Maestro. */
const FIRST_CALL_FACTOR = 4;
/** What the libraries of vendors are for. */
export const SIGNING = 'a signing key of that kind';

/** A key in a service that signs with it and never gives it away. */
export interface KeyService {
  /** Which key it is, for errors: no secret. */
  readonly name: string;
  publicKey(signal: AbortSignal): Promise<KeyObject>;
  /** DER. @param digest SHA-256 of what is to be signed */
  sign(digest: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

/** A failure whose message holds nothing secret, and may be shown. */
export class KeyServiceError extends Error {}

/**
 * Signs with a key of a service. Its public half is asked for once, and kept: a signature that does not fit it is an error and
 * never part of a receipt, whatever the service says.
 *
 * Throws KEY_INVALID for a key that is not P-256, SIGNER_UNAVAILABLE where no answer comes, or none that is of use. Errors hold
 * the far end's code and none of its words: those may repeat what it was sent.
 * @param callMsMax of a signature; the public key may take four times as long
 */
export async function openServiceSigner(service: KeyService, callMsMax = CALL_MS_MAX): Promise<Signer> {
  const found = await call(service, callMsMax * FIRST_CALL_FACTOR, 'tell its public key', (signal) =>
    service.publicKey(signal),
  );
  const key = toPublicKey(found);
  if (!key) {
    const kind = found.asymmetricKeyDetails?.namedCurve ?? found.asymmetricKeyType ?? 'an unknown kind';
    throw new MaestroError('KEY_INVALID', `expected a P-256 key in ${service.name}, got ${kind}`);
  }
  return {
    publicKeyPem: key.pem,
    keyHint: key.hint,
    sign: async (bytes) => {
      const digest = createHash('sha256').update(bytes).digest();
      const signature = await call(service, callMsMax, 'sign', (signal) => service.sign(digest, signal));
      demandFit(bytes, signature, key, service);
      return signature;
    },
  };
}

function demandFit(bytes: Uint8Array, signature: Uint8Array, { key }: PublicKey, { name }: KeyService): void {
  if (verify('sha256', bytes, key, signature)) return;
  throw unavailable(name, 'sign', 'it answered a signature that does not fit the public key it had told');
}

/** Ends in time whether or not the library listens to its signal. */
async function call<T>(
  { name }: KeyService,
  msMax: number,
  what: string,
  deed: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(msMax);
  const late = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => late.reject(new KeyServiceError(`nothing came within ${msMax} ms`)));
  try {
    return await Promise.race([deed(signal), late.promise]);
  } catch (error) {
    throw unavailable(name, what, signal.aborted ? `nothing came within ${msMax} ms` : reasonOf(error));
  }
}

function unavailable(name: string, what: string, why: string): MaestroError {
  return new MaestroError('SIGNER_UNAVAILABLE', `expected ${name} to ${what}: ${why}`);
}

function reasonOf(error: unknown): string {
  return error instanceof KeyServiceError ? error.message : farReason(error);
}
