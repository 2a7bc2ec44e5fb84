import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { checkSbom } from '../../../src/steps/supplychain/check-sbom.ts';
import { orderSbom } from '../../../src/steps/supplychain/order-sbom.ts';
import { SBOM_BYTES_MAX } from '../../../src/steps/supplychain/sbom.ts';
import { describeWith } from '../../real-parts.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';
import { writeNpmProject } from './npm-project.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const NODE = dirname(process.execPath);
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(room.repositoryRoot, path)), { recursive: true });
  writeFileSync(join(room.repositoryRoot, path), text);
};
const read = (path: string): JsonObject => JSON.parse(readFileSync(join(room.repositoryRoot, path), 'utf8'));
const names = (list: unknown): unknown[] => (list as { name: string }[]).map(({ name }) => name);
const sbom = (input: JsonObject = {}, env: Record<string, string> = {}) =>
  room.run(leaseOf({}, { uses: 'supplychain.sbom', with: input, env }));

/** A generator that writes what the test wants: the far end, of which only the command line and the file are real. */
const standIn = (script: string): void => {
  write('node_modules/.bin/cdxgen', `#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\nout=$2\n${script}\n`);
  chmodSync(join(room.repositoryRoot, 'node_modules/.bin/cdxgen'), 0o755);
};
const bom = (changes: JsonObject = {}): JsonObject => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  ...changes,
});
const library = (name: string, more: JsonObject = {}): JsonObject => ({
  type: 'library',
  name,
  'bom-ref': name,
  ...more,
});

describe('supplychain.sbom of an npm project', () => {
  it('writes a valid document, and keeps it as the artifact sbom', { timeout: 30_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    const outcome = await sbom();
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: { path: 'sbom.cdx.json', components: 3, format: 'CycloneDX 1.6 JSON' },
    });
    const text = readFileSync(join(room.repositoryRoot, 'sbom.cdx.json'), 'utf8');
    await checkSbom(text);
    const document = JSON.parse(text);
    expect(names(document.components)).toEqual(['debug', 'lodash', 'ms']);
    expect(document.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(document.metadata.timestamp).toBeUndefined();
    const digest = digestBytes(text);
    expect(outcome.outputs?.digest).toBe(digest);
    expect(outcome.artifacts).toEqual([
      { name: 'sbom', path: 'sbom.cdx.json', digest, sizeBytes: Buffer.byteLength(text) },
    ]);
    expect(room.client.blobs.get(digest)?.toString()).toBe(text);
  });

  it('is equal byte by byte in another folder at another time', { timeout: 60_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    writeNpmProject(join(room.repositoryRoot, 'elsewhere'));
    await sbom();
    await sbom({ path: 'elsewhere', output: 'other.cdx.json' });
    expect(read('other.cdx.json')).toEqual(read('sbom.cdx.json'));
    await sbom({ output: 'dated.cdx.json' }, { SOURCE_DATE_EPOCH: '0' });
    expect(read('dated.cdx.json').metadata).toMatchObject({ timestamp: '1970-01-01T00:00:00Z' });
  });

  it('leaves out what is omitted, and names what it describes', { timeout: 30_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    await sbom({ omit: ['dev'], output: 'out/app.cdx.json', component: { name: 'app', version: '9.9.9' } });
    const document = read('out/app.cdx.json') as { components: unknown; metadata: { component: JsonObject } };
    expect(names(document.components)).toEqual(['lodash']);
    expect(document.metadata.component).toMatchObject({ name: 'app', version: '9.9.9' });
    expect(document.metadata.component.purl).toBeUndefined();
  });

  it('is stated of the contents that it is about, in one statement', { timeout: 30_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    const app = { step: 'build', name: 'app', path: 'dist/app.tgz', digest: digestBytes('app'), sizeBytes: 3 };
    const other = { ...app, path: 'old/app.tgz', digest: digestBytes('old') };
    room.client.made.push(app, other);
    const outcome = await sbom({ artifact: 'app' });
    expect(outcome.artifacts?.map(({ name, path }) => [name, path])).toEqual([
      ['sbom', 'sbom.cdx.intoto.jsonl'],
      ['sbom', 'sbom.cdx.json'],
    ]);
    const predicate = digestBytes(readFileSync(join(room.repositoryRoot, 'sbom.cdx.json')));
    // Two files of one name are told apart by their paths.
    const subjects = [app, other].map(({ path, digest }) => ({ name: path, digest }));
    expect(room.client.attested).toEqual([{ kind: 'sbom', subjects, predicate }]);
    expect(room.client.blobs.has(predicate)).toBe(true);
    expect(readFileSync(join(room.repositoryRoot, 'sbom.cdx.intoto.jsonl'), 'utf8')).toBe('{"bundle":"sbom"}');
  });

  it('keeps files of the checkout that it is about', { timeout: 30_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    write('dist/app.tgz', 'app');
    const outcome = await sbom({ artifact: 'dist/*.tgz' });
    expect(outcome.artifacts?.map(({ name, path }) => [name, path])).toContainEqual(['attested', 'app.tgz']);
    expect(room.client.attested).toMatchObject([{ subjects: [{ name: 'app.tgz', digest: digestBytes('app') }] }]);
  });

  it('is made of nothing where there is nothing that it is about', async () => {
    writeNpmProject(room.repositoryRoot);
    expect(await sbom({ artifact: 'app' })).toMatchObject({ kind: 'failed', errorCode: 'ARTIFACT_NOT_FOUND' });
    expect(room.client.attested).toEqual([]);
  });

  it('fails where npm cannot read the project', { timeout: 30_000 }, async () => {
    write('package.json', '{"name":');
    write('package-lock.json', '{}');
    expect(await sbom()).toMatchObject({ kind: 'failed', errorClass: 'step', errorCode: 'SBOM_INVALID' });
  });

  it.each([{ output: '../x.json' }, { output: '/tmp/x.json' }, { path: '..' }, { path: '/' }, { output: 'a*.json' }])(
    'stays in the checkout: %j',
    { timeout: 30_000 },
    async (input) => {
      writeNpmProject(room.repositoryRoot);
      expect(await sbom(input)).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
    },
  );

  it('replaces a link in the place of its file', { timeout: 30_000 }, async () => {
    writeNpmProject(room.repositoryRoot);
    write('precious', 'kept');
    symlinkSync('precious', join(room.repositoryRoot, 'sbom.cdx.json'));
    expect(await sbom()).toMatchObject({ kind: 'succeeded' });
    expect(readFileSync(join(room.repositoryRoot, 'precious'), 'utf8')).toBe('kept');
  });
});

describe('supplychain.sbom of another project', () => {
  it('says what to install where there is no cdxgen', async () => {
    const lease = leaseOf({}, { uses: 'supplychain.sbom', with: {} });
    const outcome = await room.run(lease, { hostEnv: { PATH: '/usr/bin:/bin' } });
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'STEP_NOT_STARTED' });
    expect(outcome.message).toContain('npm install --global @cyclonedx/cdxgen');
  });

  it('keeps nothing that stands in the document by chance', async () => {
    const at = (time: string, serial: string): string =>
      `echo '${JSON.stringify(bom({ serialNumber: `urn:uuid:${serial}`, metadata: { timestamp: time }, components: [library('b'), library('a')] }))}' > "$out"`;
    standIn(at('2026-01-01T00:00:00Z', '00000000-0000-4000-8000-000000000001'));
    const first = await sbom({ output: 'a.json' });
    standIn(at('2027-01-01T00:00:00Z', '00000000-0000-4000-8000-000000000002'));
    const second = await sbom({ output: 'b.json' });
    expect(first).toMatchObject({ kind: 'succeeded', outputs: { components: 2 } });
    expect(second.outputs?.digest).toBe(first.outputs?.digest);
    expect(names(read('a.json').components)).toEqual(['a', 'b']);
  });

  it.each([
    ['100 MB', 'head -c 100000000 /dev/zero > "$out"'],
    ['no file', ':'],
    ['another exit status', 'exit 3'],
    ['a link to a file that only the worker may read', 'ln -s /etc/hostname "$out"'],
    ['no JSON', 'echo "<bom/>" > "$out"'],
    ['a list', 'echo "[]" > "$out"'],
    ['a file of SPDX', `echo '{"spdxVersion":"SPDX-2.3"}' > "$out"`],
    ['version 1.5', `echo '${JSON.stringify(bom({ specVersion: '1.5' }))}' > "$out"`],
    ['a field that CycloneDX has not', `echo '${JSON.stringify(bom({ extra: 1 }))}' > "$out"`],
    ['a component without a name', `echo '${JSON.stringify(bom({ components: [{ type: 'library' }] }))}' > "$out"`],
    [
      'a reference that comes twice',
      `echo '${JSON.stringify(bom({ components: [library('a'), library('a', { version: '2' })] }))}' > "$out"`,
    ],
  ])('refuses %s, and keeps nothing of it', async (_what, script) => {
    standIn(script);
    const outcome = await sbom();
    expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'step' });
    expect(['SBOM_INVALID', 'OUTPUT_INVALID']).toContain(outcome.errorCode);
    expect(outcome.artifacts ?? []).toEqual([]);
    expect(room.client.blobs.size).toBe(0);
  });

  it('takes no kinds of dependencies that only npm knows', async () => {
    standIn(':');
    expect(await sbom({ omit: ['dev'] })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });
});

describeWith('cdxgen', 'supplychain.sbom by the real cdxgen', (program) => {
  it('describes a Python project, the same each time', { timeout: 120_000 }, async () => {
    for (const folder of ['one/app', 'two/app'])
      write(`${folder}/requirements.txt`, 'requests==2.31.0\nurllib3==1.26.18\n');
    const tools = { hostEnv: { ...process.env, PATH: `${dirname(resolve(program))}:${NODE}:${process.env.PATH}` } };
    const of = (path: string) =>
      room.run(leaseOf({}, { uses: 'supplychain.sbom', with: { path, output: `${path}/sbom.cdx.json` } }), tools);
    const [first, second] = [await of('one/app'), await of('two/app')];
    expect(first).toMatchObject({ kind: 'succeeded', outputs: { components: 2 } });
    expect(second.outputs?.digest).toBe(first.outputs?.digest);
    expect(names(read('one/app/sbom.cdx.json').components)).toEqual(['requests', 'urllib3']);
  });
});

describe('an SBOM in order', () => {
  it('keeps the order that means something, and gives none to what has none', () => {
    const component = library('c', { pedigree: { ancestors: [library('z'), library('y')] }, hashes: [] });
    const one = orderSbom(bom({ components: [library('b'), component] }), undefined, undefined);
    const other = orderSbom(bom({ components: [component, library('b')] }), undefined, undefined);
    expect(one.text).toBe(other.text);
    const document = JSON.parse(one.text) as { components: { pedigree?: { ancestors: { name: string }[] } }[] };
    expect(names(document.components[1]?.pedigree?.ancestors)).toEqual(['z', 'y']);
  });

  it('gives different contents different numbers', () => {
    const numbers = ['a', 'b'].map(
      (name) => JSON.parse(orderSbom(bom({ components: [library(name)] }), undefined, undefined).text).serialNumber,
    );
    expect(new Set(numbers).size).toBe(2);
  });

  it('counts components within components', () => {
    const nested = library('a', { components: [library('b', { components: [library('c')] })] });
    expect(orderSbom(bom({ components: [nested] }), undefined, undefined).components).toBe(3);
  });

  it('has room in an attestation, which verifiers refuse beyond 16 MiB', () => {
    expect(SBOM_BYTES_MAX).toBeLessThan(16 * 1_048_576);
  });

  it.each([
    [
      'deep',
      `{"bomFormat":"CycloneDX","specVersion":"1.6","components":${'[{"components":'.repeat(5000)}[]${'}]'.repeat(5000)}}`,
    ],
    ['proto', JSON.stringify(bom()).replace('{', '{"__proto__":{"a":1},')],
    ['truncated', JSON.stringify(bom()).slice(0, -1)],
  ])('is refused where it is hostile: %s', async (_kind, text) => {
    await expect(checkSbom(text)).rejects.toBeInstanceOf(Error);
  });
});
