import { secretFileForms } from '../base/secret-forms.ts';
import { demand } from './verification-error.ts';

/** A bundle holds its statement in base64, within which a value starts at any alignment: it is looked at decoded. */
const BUNDLE = /\.sigstore\.json$/;

/**
 * That the values are nowhere in what is about to be shown to others: neither as they are nor in base64, hexadecimal, or any other
 * form that programs print them in.
 *
 * @param files by path; those of a receipt, or of a pack
 * @throws VerificationError SECRET_EXPOSED, which names the file and not the value
 */
export function checkExposure(files: ReadonlyMap<string, Uint8Array>, values: readonly string[]): void {
  const forms = [...new Set(values.flatMap(secretFileForms))].map((form) => Buffer.from(form));
  for (const [path, content] of files) {
    for (const bytes of readings(path, content)) {
      const isThere = forms.some((form) => bytes.includes(form));
      demand(!isThere, 'SECRET_EXPOSED', `${path} holds the value of a secret`);
    }
  }
}

/** Whether anything is found of such a value: what is too short stands in innocent text as well. */
export function isFindable(value: string): boolean {
  return secretFileForms(value).length > 0;
}

function readings(path: string, content: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (!BUNDLE.test(path)) return [bytes];
  const { dsseEnvelope } = JSON.parse(bytes.toString()) as { readonly dsseEnvelope: { readonly payload: string } };
  return [bytes, Buffer.from(dsseEnvelope.payload, 'base64')];
}
