import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { part } from '../../../real-parts.ts';

export interface Signer {
  readonly id: string;
  readonly algorithm: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

export function ecSigner(id: string, namedCurve = 'P-256', algorithm = 'ES256'): Signer {
  const pair = generateKeyPairSync('ec', { namedCurve });
  return {
    id,
    algorithm,
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

export function rsaSigner(id: string, modulusLength = 2048): Signer {
  const pair = generateKeyPairSync('rsa', { modulusLength });
  return {
    id,
    algorithm: 'RS256',
    privateKey: pair.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string,
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

export const ACME = ecSigner('acme');

/** No http steps; more than 100 steps need a person; two of them agree to a promotion. */
export const RULES = `package maestro.own

deny contains "no-http: acme reaches the network through its own task" if input.step.uses == "http"

deny contains sprintf("host: %s is not in acme.hosts", [host]) if {
	some host in input.step.egress
	not host in data.acme.hosts
}

ask contains "many-steps: a person looks at more than 100 steps" if input.pipeline.steps > 100

oblige contains {"type": "approvals", "value": 2} if input.phase == "promotion"

decision := {"deny": deny, "ask": ask, "oblige": oblige}
`;

export const DATA = { acme: { hosts: ['npm.example.com'] } };

export const CASES = [
  { name: 'a plain step passes', input: {}, verdict: 'allow' },
  { name: 'http is refused', input: { step: { uses: 'http' } }, verdict: 'deny', rule: 'no-http' },
];

export interface BundleSource {
  readonly rules?: string;
  readonly cases?: readonly object[];
  /** Text is written as it is. */
  readonly data?: object | string;
  readonly signer?: Signer | null;
  readonly entrypoint?: string;
  readonly options?: readonly string[];
}

/** What stock `opa build` makes of it. */
export function buildBundle(source: BundleSource = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-own-'));
  try {
    for (const [name, text] of filesOf(source)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const result = spawnSync(part('opa') ?? 'opa', argumentsOf(source), { cwd: folder, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(result.stderr);
    return readFileSync(join(folder, 'out.tar.gz'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function filesOf(source: BundleSource): Map<string, string> {
  const { rules = RULES, cases = CASES, data = DATA, signer = ACME } = source;
  return new Map([
    ['rules/own/rules.rego', rules],
    ['rules/data.json', typeof data === 'string' ? data : JSON.stringify(data)],
    ...(cases.length > 0 ? [['rules/maestro/data.yaml', JSON.stringify({ cases })] as const] : []),
    ['key.pem', signer?.privateKey ?? ''],
  ]);
}

function argumentsOf(source: BundleSource): string[] {
  const { signer = ACME, entrypoint = 'maestro/own/decision', options = ['-t', 'wasm'] } = source;
  const args = ['build', '-b', 'rules', ...options, '-e', entrypoint, '-o', 'out.tar.gz'];
  if (!signer) return args;
  const { algorithm, id } = signer;
  return [...args, '--signing-key', 'key.pem', '--signing-alg', algorithm, '--verification-key-id', id];
}
