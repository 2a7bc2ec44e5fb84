import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../src/base/json.ts';
import { readBundle } from '../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../src/policy/evaluate.ts';
import type { OwnRules } from '../src/policy/own/own-rules.ts';
import { patchedData } from '../src/policy/patched.ts';
import { parsePolicyFile } from '../src/policy/policy-file.ts';
import { HOUSE } from './house.ts';

export interface OpenedPolicy {
  readonly policy: PolicyEngine;
  /** The same with what a namespace changes of the data. @throws POLICY_INVALID */
  readonly openPatched: (patch: JsonObject) => Promise<PolicyEngine>;
  /** What the text of a namespace's policy file changes; null where it changes nothing. @throws POLICY_INVALID */
  readonly parsePolicy: (text: string, path: string) => JsonObject | null;
}

/**
 * The built policy bundle, with a project's own data where it has a `.maestro/policy.yaml`, or what `own` makes of ours.
 * @param rules an organisation's own, asked beside ours
 */
export async function openDefaultPolicy(
  own?: string | ((defaults: JsonObject) => string),
  rules?: OwnRules,
): Promise<OpenedPolicy> {
  const folder = join(HOUSE, 'policy', 'dist');
  const [wasm, manifest] = await Promise.all([
    readFile(join(folder, 'policy.wasm')),
    readFile(join(folder, 'manifest.json')),
  ]);
  const bundle = readBundle({ wasm, manifest });
  const { defaults } = bundle.manifest;
  const text = typeof own === 'function' ? own(defaults) : own;
  const { data, locked } = parsePolicyFile(text ?? '', bundle.manifest);
  return {
    policy: await openPolicy({ ...bundle, data, own: rules }),
    openPatched: (patch) =>
      openPolicy({ ...bundle, data: patchedData(bundle.manifest, data, patch, locked), own: rules }),
    parsePolicy: (text, path) => parsePolicyFile(text, bundle.manifest, { path, base: data, locked }).patch,
  };
}
