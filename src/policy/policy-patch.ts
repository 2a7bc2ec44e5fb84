import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Findings } from '../pipeline/finding.ts';
import { parseSource, withoutByteOrderMark } from '../pipeline/parse.ts';
import { jsonOf } from '../pipeline/source.ts';
import type { PolicyManifest } from './bundle.ts';
import { parsePolicyFile } from './policy-file.ts';

/**
 * What a policy file changes of the data, once it is known to be a good one; null where it changes nothing.
 * @throws MaestroError POLICY_INVALID
 */
export function policyPatch(text: string, manifest: PolicyManifest, path: string): JsonObject | null {
  parsePolicyFile(text, manifest, path);
  const source = withoutByteOrderMark(text);
  const root = parseSource(source, new Findings(path, source));
  const patch = root === undefined ? null : jsonOf(root);
  return isJsonObject(patch) ? patch : null;
}
