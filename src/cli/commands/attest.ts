import { renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { verifyReceipt } from '../../provenance/verify.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { readIdentityToken } from '../identity-token.ts';
import { servicesFor } from '../keyless-services.ts';
import {
  BUNDLE_NAME,
  findReceiptFiles,
  KEYLESS_BUNDLE_NAME,
  readKeys,
  readReceiptFile,
  recordOf,
} from '../receipt-files.ts';

export const attest: Command = async (args, context) => {
  // A key that came along shows that nothing was changed, not who signed: nobody should vouch for that.
  if (!args.has('key') && !args.has('keys'))
    throw new MaestroError('USAGE', 'expected --key or --keys: whose signature is it that you put your name below?');
  const files = findReceiptFiles(args, context.cwd, BUNDLE_NAME);
  const bundle = readReceiptFile(files.bundle);
  const { key } = readKeys(args, context.cwd, files);
  // Whoever puts their name below a receipt has checked it.
  const { payloadSha256 } = verifyReceipt({
    bundle,
    key,
    ...recordOf(files),
  });
  const token = await readIdentityToken(args, context);
  const [fulcioUrl, rekorUrl, tsaUrl] = ['fulcio-url', 'rekor-url', 'tsa-url'].map((name) => args.text(name));
  const services = servicesFor(token, { fulcioUrl, rekorUrl, tsaUrl });
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
