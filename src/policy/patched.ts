import { Ajv2020 } from 'ajv/dist/2020.js';
import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PolicyManifest } from './bundle.ts';
import { mergePatch } from './merge-patch.ts';

/**
 * The data document that a namespace's stored patch makes of the base. The file it came from was checked when it was read;
 * rules or a base of today may not take it any more.
 * @throws MaestroError POLICY_INVALID
 */
export function patchedData(manifest: PolicyManifest, base: JsonObject, patch: JsonObject): JsonObject {
  const data = mergePatch(base, patch);
  const ajv = new Ajv2020({ strict: true });
  if (ajv.validate<JsonObject>(manifest.dataSchema, data)) return data;
  throw new MaestroError(
    'POLICY_INVALID',
    `the rules do not take what .maestro/policy.yaml says any more (${ajv.errorsText()}): correct it, and push`,
  );
}
