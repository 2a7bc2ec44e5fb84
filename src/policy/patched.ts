import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PolicyManifest } from './bundle.ts';
import { faultsOfShape } from './data-faults.ts';
import { touchedLocks } from './locks.ts';
import { mergePatch } from './merge-patch.ts';

/**
 * The data document that a namespace's stored patch makes of the base. The file it came from was checked when it was read;
 * rules, a base or locks of today may not take it any more.
 * @throws MaestroError POLICY_INVALID
 */
export function patchedData(
  manifest: PolicyManifest,
  base: JsonObject,
  patch: JsonObject,
  locked: readonly string[] = [],
): JsonObject {
  const data = mergePatch(base, patch) as JsonObject;
  const [fault] = [...touchedLocks(patch, locked), ...faultsOfShape(data, manifest)];
  if (fault === undefined) return data;
  throw new MaestroError(
    'POLICY_INVALID',
    `the rules do not take what .maestro/policy.yaml says any more (${fault.message}): correct it, and push`,
  );
}
