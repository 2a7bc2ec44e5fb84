import { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness, type Witness } from '@sigstore/sign';
import { MaestroError } from '../base/errors.ts';
import { isSafeUrl } from '../base/safe-url.ts';
import { bundleText } from './bundle-text.ts';
import { PAYLOAD_TYPE } from './envelope.ts';

const CALL_MS_MAX = 10_000;
const RETRIES = 2;
const TOKEN_CHARS_MAX = 16_384;
/** Three parts of base64url: FulcioSigner repeats what it cannot read in its error. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Services that vouch for an identity and a time. URLs, https or this machine. */
export interface KeylessServices {
  readonly fulcioUrl: string;
  /** Rekor v1, a public log; undefined keeps the receipt out of it. */
  readonly rekorUrl: string | undefined;
  /** RFC 3161. Without it and without a log nobody says when it was signed. */
  readonly tsaUrl: string | undefined;
}

/**
 * Signs a receipt's payload once more, under a certificate for whoever the identity token names. It takes several calls over
 * the network, so it is done after a run and never while one waits for it.
 *
 * Answers the text of a sigstore bundle v0.3, canonical JSON. Throws CONFIG_INVALID for a service to which a token must not be
 * sent and for a token that is none, SIGNER_UNAVAILABLE where a service refuses or does not answer; never with the token.
 */
export async function signKeyless(
  payload: Uint8Array,
  identityToken: string,
  services: KeylessServices,
): Promise<string> {
  const token = identityToken.trim();
  if (token.length > TOKEN_CHARS_MAX || !TOKEN.test(token))
    throw new MaestroError('CONFIG_INVALID', 'expected an identity token (a JWT of three parts)');
  const retrying = { timeout: CALL_MS_MAX, retry: RETRIES };
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      ...retrying,
      fulcioBaseURL: safe(services.fulcioUrl, 'Fulcio'),
      identityProvider: { getToken: async () => token },
    }),
    witnesses: witnessesOf(services, retrying),
  });
  try {
    const bundle = await builder.create({ data: Buffer.from(payload), type: PAYLOAD_TYPE });
    return bundleText(bundle);
  } catch (error) {
    // The cause is dropped on purpose: messages of the library hold the token, and those of a service what it was sent.
    throw new MaestroError('SIGNER_UNAVAILABLE', `expected a keyless signature: ${reasonOf(error)}`);
  }
}

function witnessesOf({ rekorUrl, tsaUrl }: KeylessServices, retrying: { timeout: number; retry: number }): Witness[] {
  const witnesses: Witness[] = [];
  if (rekorUrl !== undefined)
    witnesses.push(new RekorWitness({ ...retrying, rekorBaseURL: safe(rekorUrl, 'Rekor'), entryType: 'dsse' }));
  if (tsaUrl !== undefined)
    witnesses.push(new TSAWitness({ ...retrying, tsaBaseURL: safe(tsaUrl, 'the timestamp authority') }));
  if (witnesses.length === 0)
    throw new MaestroError(
      'CONFIG_INVALID',
      'expected a timestamp authority, a log, or both: nobody would say when it was signed',
    );
  return witnesses;
}

function safe(url: string, what: string): string {
  if (!isSafeUrl(url)) throw new MaestroError('CONFIG_INVALID', `expected an https URL for ${what}`);
  return url.replace(/\/+$/, '');
}

const REASON = /^[\w.:-]{1,80}$/;

function reasonOf(error: unknown): string {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: Readonly<Record<string, unknown>> };
  const words = [code, cause?.['statusCode'], cause?.['code']].map(String);
  return words.filter((word) => word !== 'undefined' && REASON.test(word)).join(' ') || 'a service failed';
}
