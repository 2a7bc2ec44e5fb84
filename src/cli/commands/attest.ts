import { renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isJsonObject } from '../../base/json.ts';
import type { KeylessServices } from '../../provenance/keyless.ts';
import { verifyReceipt } from '../../provenance/verify.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readIdentityToken } from '../identity-token.ts';
import { BUNDLE_NAME, findReceiptFiles, KEYLESS_BUNDLE_NAME, readKeys, readReceiptFile } from '../receipt-files.ts';

/** What a run of a public repository may use: its name is known anyway. */
const PUBLIC: KeylessServices = {
  fulcioUrl: 'https://fulcio.sigstore.dev',
  rekorUrl: undefined,
  tsaUrl: 'https://timestamp.sigstore.dev',
};
/** GitHub's own, for everybody else's: they write into no public log, neither of receipts nor of certificates. */
const PRIVATE: KeylessServices = {
  fulcioUrl: 'https://fulcio.githubapp.com',
  rekorUrl: undefined,
  tsaUrl: 'https://timestamp.githubapp.com',
};

export const attest: Command = async (args, context) => {
  const files = findReceiptFiles(args, context.cwd, BUNDLE_NAME);
  const bundle = readReceiptFile(files.bundle);
  const { key } = readKeys(args, context.cwd, files);
  // Whoever puts their name below a receipt has checked it.
  const { payloadSha256 } = verifyReceipt({
    bundle,
    key,
    ...(files.runRecord !== undefined && { runRecord: readReceiptFile(files.runRecord) }),
  });
  const token = await readIdentityToken(args, context);
  const services = servicesOf(args, token);
  const { signKeyless } = await import('../../provenance/keyless.ts');
  const path = join(files.folder, KEYLESS_BUNDLE_NAME);
  write(path, await signKeyless(payloadOf(bundle), token, services));
  const { output } = context;
  if (output.isJson) output.json({ file: path, payloadSha256, ...services });
  else {
    output.line(`wrote ${relative(context.cwd, path)}`);
    output.line(output.paint.dim(`receipt sha256:${payloadSha256}`));
    output.next('maestro verify DIR --certificate-identity ID --certificate-oidc-issuer URL --trusted-root FILE');
  }
  return EXIT.ok;
};

/** Nothing goes to a public log unless somebody names one: a log publishes the repository. */
function servicesOf(args: Arguments, token: string): KeylessServices {
  const usual = isPrivate(token) ? PRIVATE : PUBLIC;
  const rekorUrl = args.text('rekor-url');
  const tsaUrl = args.text('tsa-url') ?? (rekorUrl === undefined ? usual.tsaUrl : undefined);
  return { fulcioUrl: args.text('fulcio-url') ?? usual.fulcioUrl, rekorUrl, tsaUrl };
}

/** What the token says of its repository. Not verified: it only chooses to whom the token goes, and Fulcio verifies it. */
function isPrivate(token: string): boolean {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return isJsonObject(claims) && 'repository_visibility' in claims && claims.repository_visibility !== 'public';
  } catch {
    return false;
  }
}

function payloadOf(bundle: Buffer): Buffer {
  const { dsseEnvelope } = JSON.parse(bundle.toString('utf8')) as { dsseEnvelope: { payload: string } };
  return Buffer.from(dsseEnvelope.payload, 'base64');
}

/** Whole, or not at all. An earlier one is replaced: all of them are about the same payload. */
function write(path: string, text: string): void {
  const draft = `${path}.${process.pid}.part`;
  writeFileSync(draft, text);
  renameSync(draft, path);
}
