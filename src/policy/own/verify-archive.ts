import { compactVerify, decodeProtectedHeader } from 'jose';
import { digestBytes, hexOf } from '../../base/digest.ts';
import { isMaestroError, MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Archive } from './archive.ts';
import { structureDigest } from './structure-digest.ts';
import type { VerifyKeys } from './verify-keys.ts';

const SIGNATURES = '.signatures.json';
const SIGNATURE_CHARS_MAX = 262_144;
/** Whose digests are over what they say: `IsStructuredDoc` in OPA's v1/bundle/bundle.go, for what an archive may hold. */
const STRUCTURED: readonly string[] = ['data.json', '.manifest'];

/**
 * Checks that a key of the operator signed every file of a bundle, as `opa build --signing-key` does.
 * @throws MaestroError POLICY_INVALID
 */
export async function verifyArchive(files: Archive, keys: VerifyKeys): Promise<void> {
  const listed = await readSignature(files, keys);
  for (const [name, bytes] of files) {
    if (name === SIGNATURES) continue;
    const expected = listed.get(name);
    if (expected === undefined) throw refusal(`its signature does not list the file ${name}: build and sign it again`);
    if (digestOf(name, bytes) !== expected)
      throw refusal(`${name} is not the file that was signed: build and sign it again`);
    listed.delete(name);
  }
  const [missing] = listed.keys();
  if (missing !== undefined) throw refusal(`it lacks the file ${missing}, which its signature lists`);
}

/** Text of a file that has to be UTF-8. */
export function textOf(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refusal(`${name} is not UTF-8`, cause);
  }
}

function digestOf(name: string, bytes: Uint8Array): string {
  return STRUCTURED.includes(name) ? structureDigest(textOf(name, bytes)) : hexOf(digestBytes(bytes));
}

/** What the one signature lists: digests by name. */
async function readSignature(files: Archive, keys: VerifyKeys): Promise<Map<string, string>> {
  const bytes = files.get(SIGNATURES);
  if (bytes === undefined) throw refusal('it is not signed: build it with `opa build --signing-key`');
  const document = parsed(SIGNATURES, textOf(SIGNATURES, bytes));
  const { signatures, plugin = '_default' } = isJsonObject(document) ? document : {};
  const [token] = Array.isArray(signatures) && signatures.length === 1 ? signatures : [];
  if (typeof token !== 'string' || token.length > SIGNATURE_CHARS_MAX || plugin !== '_default')
    throw refusal(`expected one signature of \`opa build\` in ${SIGNATURES}`);
  return filesOf(await payloadOf(token, keys));
}

async function payloadOf(token: string, keys: VerifyKeys): Promise<string> {
  try {
    const { kid } = decodeProtectedHeader(token);
    const known = kid === undefined ? undefined : keys.byId.get(kid);
    if (known === undefined) throw refusal(unknownKey(kid, keys));
    const { payload } = await compactVerify(token, known.key, { algorithms: [known.algorithm] });
    return textOf('the signature', payload);
  } catch (cause) {
    if (isMaestroError(cause)) throw cause;
    throw refusal(`its signature does not hold (${messageOf(cause)}): sign it with the key that it names`, cause);
  }
}

function unknownKey(kid: string | undefined, { byId, folder }: VerifyKeys): string {
  const named = kid === undefined ? 'names no key' : `names the key ${JSON.stringify(kid.slice(0, 64))}`;
  const known = [...byId.keys()].join(', ') || 'none';
  return `its signature ${named}, and the keys in ${folder} are: ${known}. Put the public key there as ID.pem, and name it with \`opa build --verification-key-id ID\``;
}

function filesOf(payload: string): Map<string, string> {
  const claims = parsed('the signature', payload);
  const { files, scope = '' } = isJsonObject(claims) ? claims : {};
  if (scope !== '') throw refusal('its signature is for a scope of its own: sign it without one');
  if (!Array.isArray(files)) throw refusal('its signature lists no files');
  const listed = new Map<string, string>();
  for (const file of files as readonly unknown[]) {
    const { name, hash, algorithm } = isJsonObject(file) ? file : {};
    if (typeof name !== 'string' || typeof hash !== 'string' || algorithm !== 'SHA-256')
      throw refusal('its signature lists a file without name or SHA-256');
    if (listed.has(name)) throw refusal(`its signature lists ${name} twice`);
    listed.set(name, hash);
  }
  return listed;
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(`${name} is not JSON`, cause);
  }
}

function refusal(why: string, cause?: unknown): MaestroError {
  return new MaestroError('POLICY_INVALID', `expected a signed bundle: ${why}`, { cause });
}
