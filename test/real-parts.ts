import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe } from 'vitest';

/**
 * The real parts that some tests need, where to find them, and how to get them.
 *
 * A test names its part with `describeWith`. Where the part is missing the tests are skipped *loudly*: once per run, with
 * the command that installs it. With MAESTRO_TEST_NOTHING_SKIPPED=1 (as in `.ci/run`) a missing part is an error.
 */
const PARTS = {
  postgres: { variable: 'MAESTRO_TEST_POSTGRES', install: '.ci/tools/postgres.sh up' },
  opa: { variable: 'MAESTRO_TEST_OPA', install: '.ci/tools/opa.sh' },
  cosign2: { variable: 'MAESTRO_TEST_COSIGN2', install: '.ci/tools/cosign.sh' },
  cosign3: { variable: 'MAESTRO_TEST_COSIGN3', install: '.ci/tools/cosign.sh' },
  python: { variable: 'MAESTRO_TEST_PYTHON', install: 'apt-get install python3' },
  pwsh: { variable: 'MAESTRO_TEST_PWSH', install: '.ci/tools/pwsh.sh' },
} as const;

export type PartName = keyof typeof PARTS;

const FOUND_ON_PATH: Partial<Record<PartName, string>> = { opa: 'opa', python: 'python3', pwsh: 'pwsh' };
const TOOLS = resolve(import.meta.dirname, '../.tools/bin');

/** Path of the program, or URL of the server; undefined where it is missing. */
export function part(name: PartName): string | undefined {
  const given = process.env[PARTS[name].variable];
  if (given) return given;
  const local = resolve(TOOLS, name);
  if (existsSync(local)) return local;
  const program = FOUND_ON_PATH[name];
  if (program && spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) return program;
  return undefined;
}

/** A `describe` that runs where the part is there. */
export function describeWith(name: PartName, title: string, body: (value: string) => void): void {
  const value = part(name);
  if (value) describe(title, () => body(value));
  else describe.skip(`${title} (needs ${name}: ${PARTS[name].install})`, () => body(''));
}

/** Vitest's global set-up: says once what is missing. */
export function setup(): void {
  const missing = (Object.keys(PARTS) as PartName[]).filter((name) => !part(name));
  if (missing.length === 0) return;
  const lines = missing.map((name) => `  ${name.padEnd(9)} install it with: ${PARTS[name].install}`);
  const text = `SKIPPED: the tests that need these parts\n${lines.join('\n')}`;
  if (process.env.MAESTRO_TEST_NOTHING_SKIPPED === '1') throw new Error(text);
  process.stderr.write(`\n${text}\n\n`);
}
