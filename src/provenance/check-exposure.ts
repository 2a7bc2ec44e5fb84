import { isJsonObject, type Json } from '../base/json.ts';
import { secretFileForms } from '../base/secret-forms.ts';
import { demand } from './verification-error.ts';

/** A bundle, and an envelope, hold a statement in base64, within which a value may stand in any other form: it is looked at decoded. */
const SIGNED = /\.(?:sigstore\.json|intoto\.jsonl)$|(?:^|\/)vsa\.json$/;

/**
 * That the values are nowhere in what is about to be shown to others: neither as they are nor in base64, hexadecimal, or any other
 * form that programs print them in.
 *
 * @param files by path; those of a receipt, or of a pack
 * @throws VerificationError SECRET_EXPOSED, which names the file and not the value
 */
export function checkExposure(files: ReadonlyMap<string, Uint8Array>, values: readonly string[]): void {
  const forms = exposingForms(values);
  for (const [path, content] of files) {
    for (const bytes of readings(path, content)) {
      const isThere = forms.some((form) => bytes.includes(form));
      demand(!isThere, 'SECRET_EXPOSED', `${path} holds the value of a secret`);
    }
  }
}

/** The same of a file of any size. @throws VerificationError SECRET_EXPOSED */
export async function checkStreamExposure(
  path: string,
  content: AsyncIterable<Uint8Array>,
  values: readonly string[],
): Promise<void> {
  const forms = exposingForms(values);
  const keptBytes = Math.max(0, ...forms.map(({ byteLength }) => byteLength - 1));
  // What may be the beginning of a value that the next part ends.
  let kept: Uint8Array = new Uint8Array();
  for await (const part of content) {
    const bytes = Buffer.concat([kept, part]);
    const isThere = forms.some((form) => bytes.includes(form));
    demand(!isThere, 'SECRET_EXPOSED', `${path} holds the value of a secret`);
    kept = bytes.subarray(Math.max(0, bytes.byteLength - keptBytes));
  }
}

/** Whether a file is looked at decoded, for which all of it is needed at once. */
export function isSignedFile(path: string): boolean {
  return SIGNED.test(path);
}

function exposingForms(values: readonly string[]): readonly Buffer[] {
  return [...new Set(values.flatMap(secretFileForms))].map((form) => Buffer.from(form));
}

/** Whether anything is found of such a value: what is too short stands in innocent text as well. */
export function isFindable(value: string): boolean {
  return secretFileForms(value).length > 0;
}

function readings(path: string, content: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return isSignedFile(path) ? [bytes, ...bytes.toString().split('\n').flatMap(payloadIn)] : [bytes];
}

/** None where it only is called as if it held one. */
function payloadIn(text: string): readonly Buffer[] {
  try {
    const document = JSON.parse(text) as Json;
    const { dsseEnvelope, payload: own } = isJsonObject(document) ? document : {};
    const payload = isJsonObject(dsseEnvelope) ? dsseEnvelope['payload'] : own;
    return typeof payload === 'string' ? [Buffer.from(payload, 'base64')] : [];
  } catch {
    return [];
  }
}
