/**
 * Builds `dist/` and the schema of the data from the packs: `node policy/build.ts [path of opa] [output folder]`.
 *
 * The result is a function of the sources and of the opa version alone, so CI builds it again and compares the bytes.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import canonicalize from 'canonicalize';
import { parse } from 'yaml';

const OPA_VERSION = '1.10.1';
const ENTRYPOINT = 'maestro/decision';
const EXPLAIN = 'maestro/explain';
const HOME = import.meta.dirname;

interface PackFile {
  readonly name: string;
  readonly title: string;
  readonly guards: string;
  readonly default: Readonly<Record<string, unknown>>;
  readonly schema: Readonly<Record<string, unknown>>;
  /** Where the data names what another key of it has to know; checked in policy files. See `src/policy/meaning-faults.ts`. */
  readonly references?: readonly { readonly at: string; readonly in: string }[];
}

const opa = program(process.argv[2] ?? 'opa');
const output = resolve(process.argv[3] ?? HOME);
build();

function build(): void {
  requireVersion();
  const packs = readPacks();
  const sources = sourceFiles(packs);
  const wasm = compile(sources);
  const digests = Object.fromEntries(sources.map((path) => [relative(HOME, path), digest(readFileSync(path))]));
  const manifest = {
    schema: 'maestro.policy-bundle/v1',
    entrypoint: ENTRYPOINT,
    explain: EXPLAIN,
    opa: OPA_VERSION,
    revision: digest(canonicalize(digests) as string),
    wasm: digest(wasm),
    sources: digests,
    packs: packs.map((pack) => ({
      name: pack.name,
      title: pack.title,
      guards: pack.guards.trim(),
      keys: Object.keys(pack.schema),
    })),
    references: packs.flatMap(({ references }) => references ?? []),
    defaults: merge(packs, 'default'),
    dataSchema: dataSchema(packs),
  };
  write('dist/policy.wasm', wasm);
  write('dist/manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
  write('dist/policy-data.schema.json', `${JSON.stringify(manifest.dataSchema, null, 2)}\n`);
}

/** opa runs in this folder, so a relative path of it is made absolute; a bare name is looked up on PATH. */
function program(name: string): string {
  return name.includes('/') ? resolve(name) : name;
}

function requireVersion(): void {
  const found = spawnSync(opa, ['version'], { encoding: 'utf8' });
  if (found.error)
    fail(`expected opa ${OPA_VERSION} at '${opa}': ${found.error.message}; install it with .ci/tools/opa.sh`);
  const version = /^Version: (\S+)$/m.exec(found.stdout)?.[1];
  if (version !== OPA_VERSION) fail(`expected opa ${OPA_VERSION}, got ${version}; install it with .ci/tools/opa.sh`);
}

function readPacks(): readonly PackFile[] {
  const names = readdirSync(join(HOME, 'packs')).toSorted();
  return names.map((name) => {
    const pack = parse(readFileSync(join(HOME, 'packs', name, 'pack.yaml'), 'utf8')) as PackFile;
    if (pack.name !== name) fail(`expected packs/${name}/pack.yaml to have the name ${name}, got ${pack.name}`);
    return pack;
  });
}

function sourceFiles(packs: readonly PackFile[]): readonly string[] {
  const ofPacks = packs.flatMap(({ name }) =>
    ['pack.yaml', 'rules.rego'].map((file) => join(HOME, 'packs', name, file)),
  );
  const shared = readdirSync(HOME).filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego'));
  return [...shared.toSorted().map((file) => join(HOME, file)), ...ofPacks];
}

/** The module alone: opa's archive also carries the sources, which lie beside it anyway. */
function compile(sources: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-policy-'));
  try {
    const archive = join(folder, 'bundle.tar.gz');
    const rego = sources.filter((path) => path.endsWith('.rego')).map((path) => relative(HOME, path));
    const entrypoints = [ENTRYPOINT, EXPLAIN].flatMap((path) => ['--entrypoint', path]);
    run(opa, ['build', '--target', 'wasm', ...entrypoints, '--output', archive, ...rego]);
    run('tar', ['-xzf', archive, '-C', folder, '/policy.wasm']);
    return readFileSync(join(folder, 'policy.wasm'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(program: string, args: readonly string[]): void {
  const result = spawnSync(program, args, { cwd: HOME, encoding: 'utf8' });
  if (result.status !== 0) fail(`${program} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
}

function dataSchema(packs: readonly PackFile[]): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The data document of policy: the defaults of the packs, with .maestro/policy.yaml merged over them',
    type: 'object',
    additionalProperties: false,
    required: Object.keys(merge(packs, 'default')),
    properties: merge(packs, 'schema'),
    $defs: parse(readFileSync(join(HOME, 'schema/definitions.yaml'), 'utf8')),
  };
}

/** Each top-level key of the data belongs to one pack. */
function merge(packs: readonly PackFile[], field: 'default' | 'schema'): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = {};
  for (const pack of packs) {
    for (const [key, value] of Object.entries(pack[field])) {
      if (key in merged || key === 'maestro') fail(`pack ${pack.name}: the data key ${key} is taken`);
      merged[key] = value;
    }
  }
  return merged;
}

function write(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(join(output, path)), { recursive: true });
  writeFileSync(join(output, path), content);
}

function digest(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function fail(message: string): never {
  process.stderr.write(`policy: ${message}\n`);
  process.exit(1);
}
