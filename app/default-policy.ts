import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../src/base/json.ts';
import { type PolicyBundle, readBundle } from '../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../src/policy/evaluate.ts';
import type { OwnRules } from '../src/policy/own/own-rules.ts';
import { patchedData } from '../src/policy/patched.ts';
import { parsePolicyFile } from '../src/policy/policy-file.ts';
import type { PolicyRules } from '../src/provenance/disclosure/disclosure-facts.ts';
import { HOUSE } from './house.ts';

export interface OpenedPolicy {
  readonly policy: PolicyEngine;
  /** The rules behind it, as a stranger asks them. */
  readonly readRules: () => Promise<PolicyRules>;
  /** The same with what a namespace changes of the data. @throws POLICY_INVALID */
  readonly openPatched: (patch: JsonObject) => Promise<PolicyEngine>;
  /** What the text of a namespace's policy file changes; null where it changes nothing. @throws POLICY_INVALID */
  readonly parsePolicy: (text: string, path: string) => JsonObject | null;
}

export interface PolicySetting {
  /** A policy file over our defaults: a project's own, or that of whoever runs a server. */
  readonly file?: { readonly text: string; readonly path?: string; readonly isOperators?: boolean };
  /** What more the data says, whatever the file does. */
  readonly patch?: (data: JsonObject) => JsonObject;
  /** An organisation's own rules, asked beside ours. */
  readonly rules?: OwnRules;
}

/** The built policy bundle, with data of one's own. @throws MaestroError POLICY_INVALID */
export async function openDefaultPolicy({ file, patch, rules }: PolicySetting = {}): Promise<OpenedPolicy> {
  const folder = join(HOUSE, 'policy', 'dist');
  const [wasm, manifest] = await Promise.all([
    readFile(join(folder, 'policy.wasm')),
    readFile(join(folder, 'manifest.json')),
  ]);
  const bundle = readBundle({ wasm, manifest });
  const own = parsePolicyFile(file?.text ?? '', bundle.manifest, file);
  const { locked } = own;
  const data = patch ? patchedData(bundle.manifest, own.data, patch(own.data)) : own.data;
  return {
    readRules: () => readRules(bundle),
    policy: await openPolicy({ ...bundle, data, own: rules }),
    openPatched: async (change) =>
      openPolicy({ ...bundle, data: patchedData(bundle.manifest, data, change, locked), own: rules }),
    parsePolicy: (text, path) => parsePolicyFile(text, bundle.manifest, { path, base: data, locked }).patch,
  };
}

/** Rego that lies beside the module, which `npm run policy:build` made of it. */
async function readRules({ wasm, manifest }: PolicyBundle): Promise<PolicyRules> {
  const paths = Object.keys(manifest.sources).filter((path) => path.endsWith('.rego'));
  const sources = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(HOUSE, 'policy', path), 'utf8')] as const),
  );
  const { revision, entrypoint } = manifest;
  return { revision, entrypoint, wasm, sources: new Map(sources) };
}
