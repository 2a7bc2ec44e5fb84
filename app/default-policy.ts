import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBundle } from '../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../src/policy/evaluate.ts';
import { parsePolicyFile } from '../src/policy/policy-file.ts';
import { HOUSE } from './house.ts';

/** The built policy bundle, with a project's own data where it has a `.maestro/policy.yaml`. */
export async function openDefaultPolicy(own?: string): Promise<PolicyEngine> {
  const folder = join(HOUSE, 'policy', 'dist');
  const [wasm, manifest] = await Promise.all([
    readFile(join(folder, 'policy.wasm')),
    readFile(join(folder, 'manifest.json')),
  ]);
  const bundle = readBundle({ wasm, manifest });
  return openPolicy({
    ...bundle,
    data: own === undefined ? bundle.manifest.defaults : parsePolicyFile(own, bundle.manifest),
  });
}
