import { randomBytes } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { openDefaultPolicy } from '../../../app/default-policy.ts';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { Engine } from '../../../src/engine/engine.ts';
import type { PolicyEngine } from '../../../src/policy/evaluate.ts';
import { openEvidenceKey } from '../../../src/provenance/signers/evidence-key.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { openFileBlobs } from '../../../src/store/blobs.ts';
import type { Database } from '../../../src/store/database.ts';

/** Of all processes: the one that warms a database up begins its register. */
const EVIDENCE_KEY = join(tmpdir(), `maestro-bench-${userInfo().uid}`, 'evidence-key.pem');

/** The engine as a server has it. @param rules what the policy of a repository comes to */
export async function openBenchEngine(
  db: Database,
  folder: string,
  policy: PolicyEngine,
  rules: PolicyEngine,
): Promise<Engine> {
  return Engine.open({
    db,
    policy,
    openPatched: async () => rules,
    readRules: async () => (await openDefaultPolicy()).readRules(),
    home: { tenant: 'local', name: 'local' },
    signer: await openLocalSigner(join(folder, 'key.pem')),
    readTrustedKeys: async () => [],
    logSigner: await openEvidenceKey(EVIDENCE_KEY, 'bench.example/evidence'),
    issuer: { builderId: 'https://example.com/bench', version: '0', keyReachableBySteps: true },
    blobs: openFileBlobs(join(folder, 'blobs')),
    secrets: { read: async () => ({}) },
    clock: SYSTEM_CLOCK,
    isShared: true,
    mayFoundRegister: true,
    random: Math.random,
    randomBytes,
    onError: (error) => {
      throw error;
    },
  });
}
