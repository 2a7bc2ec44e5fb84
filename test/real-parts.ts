import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { describe } from 'vitest';

/**
 * The real parts that some tests need, where to find them, and how to get them.
 *
 * A test names its part with `describeWith`. Where the part is missing the tests are skipped *loudly*: once per run, with
 * the command that installs it. With MAESTRO_TEST_NOTHING_SKIPPED=1 (as in `.ci/run`) a missing part is an error, unless
 * it is optional: no registry of ours has PowerShell (npm's `pwsh` fetches it from GitHub when it is installed), and not every
 * container lets `sudo` be tried out. Their tests run where they can.
 */
const PARTS: Record<PartName, { variable: string; install: string; isOptional?: true }> = {
  postgres: { variable: 'MAESTRO_TEST_POSTGRES', install: '.ci/tools/postgres.sh up' },
  opa: { variable: 'MAESTRO_TEST_OPA', install: '.ci/tools/opa.sh' },
  cosign2: { variable: 'MAESTRO_TEST_COSIGN2', install: '.ci/tools/cosign.sh' },
  cosign3: { variable: 'MAESTRO_TEST_COSIGN3', install: '.ci/tools/cosign.sh' },
  'slsa-verifier': { variable: 'MAESTRO_TEST_SLSA_VERIFIER', install: '.ci/tools/slsa-verifier.sh' },
  python: { variable: 'MAESTRO_TEST_PYTHON', install: 'apt-get install python3' },
  act: { variable: 'MAESTRO_TEST_ACT', install: '.ci/tools/act.sh' },
  actionlint: { variable: 'MAESTRO_TEST_ACTIONLINT', install: '.ci/tools/actionlint.sh' },
  cdxgen: { variable: 'MAESTRO_TEST_CDXGEN', install: '.ci/tools/cdxgen.sh' },
  gitleaks: { variable: 'MAESTRO_TEST_GITLEAKS', install: '.ci/tools/gitleaks.sh' },
  openbao: { variable: 'MAESTRO_TEST_OPENBAO', install: '.ci/tools/openbao.sh' },
  versitygw: { variable: 'MAESTRO_TEST_VERSITYGW', install: '.ci/tools/versitygw.sh' },
  registry: { variable: 'MAESTRO_TEST_REGISTRY', install: '.ci/tools/registry.sh' },
  buildah: { variable: 'MAESTRO_TEST_BUILDAH', install: 'as root, apt-get install buildah', isOptional: true },
  'merkle-vectors': { variable: 'MAESTRO_TEST_MERKLE_VECTORS', install: '.ci/tools/merkle-vectors.sh' },
  wycheproof: { variable: 'MAESTRO_TEST_WYCHEPROOF', install: '.ci/tools/wycheproof.sh' },
  'jcs-vectors': { variable: 'MAESTRO_TEST_JCS_VECTORS', install: '.ci/tools/jcs-vectors.sh' },
  pwsh: { variable: 'MAESTRO_TEST_PWSH', install: 'https://aka.ms/powershell', isOptional: true },
  chromium: { variable: 'MAESTRO_TEST_CHROMIUM', install: 'apt-get install chromium' },
  sudo: { variable: 'MAESTRO_TEST_SUDO', install: 'as root, apt-get install sudo', isOptional: true },
};

export type PartName =
  | 'postgres'
  | 'opa'
  | 'cosign2'
  | 'cosign3'
  | 'slsa-verifier'
  | 'python'
  | 'act'
  | 'actionlint'
  | 'cdxgen'
  | 'gitleaks'
  | 'openbao'
  | 'versitygw'
  | 'registry'
  | 'buildah'
  | 'merkle-vectors'
  | 'wycheproof'
  | 'jcs-vectors'
  | 'pwsh'
  | 'chromium'
  | 'sudo';

const FOUND_ON_PATH: Partial<Record<PartName, string>> = {
  opa: 'opa',
  python: 'python3',
  act: 'act',
  actionlint: 'actionlint',
  cdxgen: 'cdxgen',
  pwsh: 'pwsh',
  chromium: 'chromium',
  buildah: 'buildah',
  // Its tests give it users of their own, in a namespace that not every container may make.
  sudo: 'sudo && test "$(id -u)" = 0 && unshare --mount true',
};
const TOOLS = resolve(import.meta.dirname, '../.tools/bin');
/** Parts that are data, not programs. */
const DATA = resolve(import.meta.dirname, '../.tools');
/** Written by `.ci/tools/postgres.sh up`. */
const POSTGRES_URL_FILE = resolve(import.meta.dirname, '../.tools/postgres.url');

/** Path of the program or of the folder of data, or URL of the server; undefined where it is missing. */
export function part(name: PartName): string | undefined {
  const given = process.env[PARTS[name].variable];
  if (given) return given;
  const local = [resolve(TOOLS, name), resolve(DATA, name)].find(existsSync);
  if (local) return local;
  const program = FOUND_ON_PATH[name];
  if (program && spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) return program;
  return undefined;
}

/** A `describe` that runs where the part is there. */
export function describeWith(name: PartName, title: string, body: (value: string) => void): void {
  const value = part(name);
  const suite = value ? describe : describe.skip;
  suite(value ? title : `${title} (needs ${name}: ${PARTS[name].install})`, () => {
    body(value ?? '');
  });
}

/** Vitest's global set-up: finds the running Postgres, and says once what is missing. */
export async function setup(): Promise<void> {
  process.env.MAESTRO_TEST_POSTGRES ??= await runningPostgres();
  const missing = (Object.keys(PARTS) as PartName[]).filter((name) => !part(name));
  if (missing.length === 0) return;
  const lines = missing.map((name) => `  ${name.padEnd(14)} install it with: ${PARTS[name].install}`);
  const text = `SKIPPED: the tests that need these parts\n${lines.join('\n')}`;
  const isError = process.env.MAESTRO_TEST_NOTHING_SKIPPED === '1' && missing.some((name) => !PARTS[name].isOptional);
  if (isError) throw new Error(text);
  process.stderr.write(`\n${text}\n\n`);
}

/** URL of the throw-away Postgres, if one was started and it still answers; '' otherwise. */
async function runningPostgres(): Promise<string> {
  if (!existsSync(POSTGRES_URL_FILE)) return '';
  const url = readFileSync(POSTGRES_URL_FILE, 'utf8').trim();
  const { hostname, port } = new URL(url);
  const isThere = await new Promise<boolean>((settle) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 2000 });
    const answer = (value: boolean) => {
      socket.destroy();
      settle(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
  return isThere ? url : '';
}
