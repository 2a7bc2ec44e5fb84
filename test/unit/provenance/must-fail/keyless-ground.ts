import { signKeyless } from '../../../../src/provenance/keyless.ts';
import { buildReceipt, type Receipt } from '../../../../src/provenance/receipt.ts';
import { type KeylessVerifyRequest, verifyKeylessReceipt } from '../../../../src/provenance/verify-keyless.ts';
import { identityToken, SigstoreServer } from '../../../fakes/sigstore.ts';
import { type Item, once, refusalOf } from './item.ts';
import { genuineFacts } from './receipts.ts';

export const IDENTITY = 'https://github.com/acme/app/.github/workflows/attest.yml@refs/heads/main';
const ISSUER = 'https://token.actions.githubusercontent.com';
const HOUR_MS = 3_600_000;

/** Three authorities on loopback, and a receipt that was signed at the first. */
export interface KeylessGround {
  readonly receipt: Receipt;
  /** With a timestamp, and with an entry of a log. */
  readonly byTime: string;
  readonly byLog: string;
  readonly request: Omit<KeylessVerifyRequest, 'bundle'>;
  /** Root of an authority whose clock is an hour ahead, and what was signed there. */
  readonly late: { readonly root: string; readonly bundle: string };
  /** Signs the receipt's payload once more. */
  readonly sign: (change: KeylessChange) => Promise<string>;
}

export interface KeylessChange {
  readonly subject?: string;
  readonly issuer?: string;
  /** Services that are a stranger's. */
  readonly foreign?: readonly ('fulcio' | 'tsa' | 'rekor')[];
  readonly isLogged?: boolean;
}

const servers: SigstoreServer[] = [];

export const keylessGround = once<KeylessGround>(async () => {
  const [own, stranger, ahead] = [new SigstoreServer(), new SigstoreServer(), new SigstoreServer()];
  servers.push(own, stranger, ahead);
  await Promise.all([own.open(), stranger.open(), ahead.open({ tsa: new Date(Date.now() + HOUR_MS) })]);
  const receipt = buildReceipt(genuineFacts());
  const sign = ({ subject = IDENTITY, issuer = ISSUER, foreign = [], isLogged = false }: KeylessChange) => {
    const at = (service: 'fulcio' | 'tsa' | 'rekor'): string => (foreign.includes(service) ? stranger : own).url;
    const witnesses = isLogged
      ? { rekorUrl: at('rekor'), tsaUrl: undefined }
      : { rekorUrl: undefined, tsaUrl: at('tsa') };
    const token = identityToken({ iss: issuer, sub: subject });
    return signKeyless(Buffer.from(receipt.payload), token, { fulcioUrl: at('fulcio'), ...witnesses });
  };
  const lateServices = { fulcioUrl: ahead.url, rekorUrl: undefined, tsaUrl: ahead.url };
  const lateToken = identityToken({ iss: ISSUER, sub: IDENTITY });
  return {
    receipt,
    byTime: await sign({}),
    byLog: await sign({ isLogged: true }),
    request: { trustedRoot: Buffer.from(own.root), certificateIdentity: IDENTITY, certificateIssuer: ISSUER },
    late: { root: ahead.root, bundle: await signKeyless(Buffer.from(receipt.payload), lateToken, lateServices) },
    sign,
  };
});

export async function closeKeyless(): Promise<void> {
  await Promise.all(servers.map((server) => server.close()));
}

/** Signed under a certificate, or asked for, in another way than it should be. */
export function keylessItem(
  name: string,
  code: string,
  change: (ground: KeylessGround) => Partial<KeylessVerifyRequest> | Promise<Partial<KeylessVerifyRequest>>,
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const given = await keylessGround();
    const genuine = { bundle: Buffer.from(given.byTime), ...given.request };
    const request = { ...genuine, ...(isTampered ? await change(given) : {}) };
    return refusalOf(() => verifyKeylessReceipt(request));
  };
  return { name, code, answer };
}

/** The same for a change of the bundle as a document. */
export function keylessBundleItem(
  name: string,
  code: string,
  change: (material: Record<string, unknown>, ground: KeylessGround) => unknown,
): Item {
  return keylessItem(name, code, (given) => {
    const bundle = JSON.parse(given.byTime) as { readonly verificationMaterial: Record<string, unknown> };
    change(bundle.verificationMaterial, given);
    return { bundle: Buffer.from(JSON.stringify(bundle)) };
  });
}
