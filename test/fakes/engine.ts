import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDefaultPolicy } from '../../app/default-policy.ts';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/engine-options.ts';
import { type PolicyBundle, readBundle } from '../../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../../src/policy/evaluate.ts';
import { patchedData } from '../../src/policy/patched.ts';
import { parsePolicyFile } from '../../src/policy/policy-file.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { openFileBlobs } from '../../src/store/blobs.ts';
import type { Database } from '../../src/store/database.ts';
import { newLogSigner } from '../unit/provenance/evidence-log/sample-log.ts';

const POLICY = resolve(import.meta.dirname, '../../policy/dist');

export async function realPolicy(data?: JsonObject): Promise<PolicyEngine> {
  const bundle = await committedBundle();
  return openPolicy(data ? { ...bundle, data: { ...bundle.manifest.defaults, ...data } } : bundle);
}

/** The committed rules with a patch over the defaults, as a repository's file makes it. */
async function patchedPolicy(patch: JsonObject): Promise<PolicyEngine> {
  const bundle = await committedBundle();
  return openPolicy({ ...bundle, data: patchedData(bundle.manifest, bundle.manifest.defaults, patch) });
}

/** What a repository's policy file changes, by the committed rules. */
export async function testPolicyParser(): Promise<(text: string, path: string) => JsonObject | null> {
  const { manifest } = await committedBundle();
  return (text, path) => parsePolicyFile(text, manifest, { path }).patch;
}

async function committedBundle(): Promise<PolicyBundle> {
  const [wasm, manifest] = await Promise.all([
    readFile(join(POLICY, 'policy.wasm')),
    readFile(join(POLICY, 'manifest.json')),
  ]);
  return readBundle({ wasm, manifest });
}

/** Engines of one test that share a database share its register. */
export const LOG_SIGNER = newLogSigner('test.example/evidence');

/** A real engine on a real store, with the committed policy and a key of its own. */
export async function openTestEngine(db: Database, change: Partial<EngineOptions> = {}): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), 'maestro-test-key-'));
  return Engine.open({
    db,
    policy: change.policy ?? (await realPolicy()),
    openPatched: patchedPolicy,
    readRules: async () => (await openDefaultPolicy()).readRules(),
    home: { tenant: 'local', name: 'local' },
    signer: await openLocalSigner(join(folder, 'key.pem')),
    readTrustedKeys: async () => [],
    logSigner: LOG_SIGNER,
    issuer: { builderId: 'https://example.com/maestro/test', version: '0.0.0', keyReachableBySteps: true },
    blobs: openFileBlobs(join(folder, 'blobs')),
    secrets: { read: async ({ names }) => Object.fromEntries(names.map((name) => [name, `value of ${name}`])) },
    clock: SYSTEM_CLOCK,
    isShared: true,
    mayFoundRegister: true,
    random: () => 0,
    randomBytes,
    onError: (error) => {
      throw error;
    },
    ...change,
  });
}
