import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
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
import { openEmbedded } from '../../src/store/embedded.ts';
import { openPostgres } from '../../src/store/postgres.ts';
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

/** A new, empty database: embedded, or on the server at `url`. */
export async function freshDatabase(
  url: string | undefined,
): Promise<{ readonly open: () => Promise<Database>; readonly drop: () => Promise<void> }> {
  if (url === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'maestro-test-'));
    return { open: () => openEmbedded(folder), drop: () => rm(folder, { recursive: true, force: true }) };
  }
  const name = `maestro_test_${randomBytes(6).toString('hex')}`;
  await administer(url, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    open: () => openPostgres(own.toString()),
    drop: () => administer(url, `drop database if exists ${name} with (force)`),
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
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
