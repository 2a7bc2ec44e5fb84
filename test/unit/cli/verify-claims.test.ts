import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readArchive } from '../../../src/provenance/disclosure/archive.ts';
import type { DisclosureFacts } from '../../../src/provenance/disclosure/disclosure-facts.ts';
import { signPayload } from '../../../src/provenance/envelope.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { signed } from '../provenance/attestations/samples.ts';
import { sampleFacts, samplePack } from '../provenance/disclosure/sample-disclosure.ts';
import { retryOf, runOf } from '../provenance/must-fail/lineage.ts';
import { sampleSigner } from '../provenance/sample-run.ts';
import { FakeProcess, project } from './harness.ts';

const SECRET = 'tr0ub4dor&3';

describe('maestro verify', () => {
  let signer: Signer;
  let cwd: string;
  beforeAll(async () => {
    signer = await sampleSigner();
    const first = runOf('first');
    const second = retryOf(await verified(first));
    const pack = await samplePack(signer, await sampleFacts(signer));
    const leaky = { ...first, run: { ...first.run, reason: `could not log in as ${btoa(`ci:${SECRET}`)}` } };
    cwd = project({
      ...(await filesOf('first', first)),
      ...(await filesOf('second', second)),
      ...(await filesOf('anew', { ...first, run: { ...first.run, nonce: 'ff'.repeat(16) } })),
      ...(await filesOf('leaky', leaky)),
      'team.pub': signer.publicKeyPem,
      'app.tgz': 'the artifact',
      'app.tgz.sigstore.json': (await signed('provenance', signer)).bundle,
    });
    writeFileSync(join(cwd, 'pack.tgz'), pack);
  });

  async function filesOf(folder: string, facts: RunFacts): Promise<Record<string, string>> {
    const { payload, runRecord } = buildReceipt(facts);
    return {
      [`${folder}/receipt.sigstore.json`]: await signPayload(payload, signer),
      [`${folder}/run.json`]: runRecord,
    };
  }
  async function verified(facts: RunFacts) {
    const bundle = Buffer.from(await signPayload(buildReceipt(facts).payload, signer));
    return verifyReceipt({ bundle, key: signer.publicKeyPem });
  }
  const run = async (...words: string[]): Promise<readonly [number, FakeProcess]> => {
    const process = new FakeProcess({ cwd, variables: { TOKEN: SECRET, PIN: '42' } });
    return [await process.run('verify', ...words, '--key', 'team.pub'), process];
  };
  const SOURCE = 'git+https://example.org/acme/app';
  const STATEMENT = ['app.tgz', '--bundle', 'app.tgz.sigstore.json', '--type', 'provenance'];

  it.each([
    [
      'what it is of',
      ['second', '--run-id', 'second', '--attempt', '2', '--pipeline', 'release', '--repository', SOURCE],
      0,
    ],
    ['another run', ['second', '--run-id', 'first'], 5, 'RUN_MISMATCH'],
    ['another attempt', ['second', '--attempt', '1'], 5, 'RUN_MISMATCH'],
    ['another pipeline', ['second', '--pipeline', 'releas'], 5, 'RUN_MISMATCH'],
    ['another repository', ['second', '--repository', `${SOURCE}-evil`], 5, 'RUN_MISMATCH'],
    ['half an attempt', ['second', '--attempt', '1.5'], 2, 'USAGE'],
    ['no run', ['second', '--run-id='], 2, 'USAGE'],
    ['the attempt of a pack', ['pack.tgz', '--attempt', '1'], 0],
    ['another run, of a pack', ['pack.tgz', '--run-id', 'first'], 5, 'RUN_MISMATCH'],
    ['the run of provenance', [...STATEMENT, '--run-id', '01jd4z8f3k5q7r9t0v2w4x6y8z'], 0],
    ['another run of provenance', [...STATEMENT, '--run-id', 'first'], 5, 'RUN_MISMATCH'],
    ['the attempt of a statement', [...STATEMENT, '--attempt', '1'], 2, 'USAGE'],
  ])('told %s', async (_title, words, code, error = '') => {
    const [exit, { err }] = await run(...words);
    expect([exit, err]).toEqual([code, expect.stringContaining(error === '' ? '' : `error[${error}]`)]);
  });

  it('holds a receipt against those of the runs that it names, folders and packs alike', async () => {
    const [exit, told] = await run('second', '--related', 'first', '--json');
    expect([exit, JSON.parse(told.out)]).toMatchObject([0, { relatedReceipts: 1 }]);
    const [, shown] = await run('second', '--related', 'first', '--related', 'pack.tgz');
    expect(shown.out).toContain('2 receipts of the runs that it comes from');
    const [, alone] = await run('second');
    expect(alone.out).not.toContain('comes from');
  });

  it.each([
    ['only others are there', ['second', '--related', 'pack.tgz'], 'RELATION_DANGLING'],
    ['one is another than it names', ['second', '--related', 'anew'], 'RELATION_INVALID'],
    ['one is no receipt', ['second', '--related', 'app.tgz.sigstore.json'], 'PREDICATE_TYPE_WRONG'],
    ['a pack is of one', ['pack.tgz', '--related', 'second'], 'RELATION_DANGLING'],
  ])('refuses it where %s', async (_title, words, error) => {
    const [exit, { err }] = await run(...words);
    expect([exit, err]).toEqual([5, expect.stringContaining(`error[${error}]`)]);
  });

  it('looks for the value of a secret, and does not show it', async () => {
    for (const path of ['first', 'pack.tgz']) expect((await run(path, '--secret', 'TOKEN'))[0]).toBe(0);
    const [exit, { out, err }] = await run('leaky', '--secret', 'NPM=TOKEN');
    expect([exit, err]).toEqual([5, expect.stringContaining('error[SECRET_EXPOSED]')]);
    expect(out + err).not.toContain(SECRET);
    expect((await run('leaky', '--secret', 'ABSENT'))[1].err).toContain('error[SECRET_NOT_FOUND]');
    expect((await run('leaky', '--secret', 'PIN'))[1].err).toContain('error[SECRET_UNUSABLE]');
  });

  it.each<readonly [string, () => string | Uint8Array | Promise<Uint8Array>]>([
    ['notes.txt', () => `it is ${SECRET}`],
    ['below/deep/.env', () => `TOKEN=${Buffer.from(SECRET).toString('base64')}`],
    ['large.bin', () => Buffer.concat([Buffer.alloc(1024 ** 2 - 4), Buffer.from(SECRET)])],
    ['app.tgz', () => gzipSync(`some ${SECRET}`)],
    ['cut.tgz', () => gzipSync(`some ${SECRET} and more`).subarray(0, -8)],
    [
      'x.sigstore.json',
      () =>
        JSON.stringify({
          dsseEnvelope: { payload: btoa(JSON.stringify({ at: Buffer.from(SECRET).toString('hex') })) },
        }),
    ],
    ['lines.intoto.jsonl', () => `{"payload":"x"}\n${JSON.stringify({ payload: btoa(encodeURIComponent(SECRET)) })}\n`],
    ['vsa.json', () => JSON.stringify({ payload: btoa(SECRET) })],
    ['broken.sigstore.json', () => `{${SECRET}`],
    ['pack.tgz', async () => samplePack(signer, leakyFacts(await sampleFacts(signer)))],
  ])('looks for it in every file of a folder: %s', async (path, content) => {
    const file = join(cwd, 'first', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'nothing');
    expect((await run('first', '--secret', 'TOKEN'))[0]).toBe(0);
    writeFileSync(file, await content());
    const [exit, { out, err }] = await run('first', '--secret', 'TOKEN');
    expect([exit, err]).toEqual([5, expect.stringContaining('error[SECRET_EXPOSED]')]);
    expect(err).toContain(path);
    expect(out + err).not.toContain(SECRET);
    rmSync(file);
    // What is elsewhere is not handed on with it.
    writeFileSync(join(cwd, 'elsewhere'), SECRET);
    symlinkSync(join(cwd, 'elsewhere'), file);
    expect((await run('first', '--secret', 'TOKEN'))[0]).toBe(0);
    rmSync(file);
    rmSync(join(cwd, 'first', 'below'), { recursive: true, force: true });
  });

  it('says that a key which lies in the folder may have come with it', async () => {
    const inside = async (path: string, key: string, ...words: string[]): Promise<readonly [number, string]> => {
      const process = new FakeProcess({ cwd });
      return [await process.run('verify', path, '--key', key, ...words), process.err];
    };
    writeFileSync(join(cwd, 'first', 'maestro.pub'), signer.publicKeyPem);
    symlinkSync(join(cwd, 'first', 'maestro.pub'), join(cwd, 'linked.pub'));
    const remark = expect.stringContaining('lies in the folder that was verified') as string;
    expect(await inside('first', 'first/maestro.pub')).toEqual([0, remark]);
    expect(await inside('first', 'linked.pub')).toEqual([0, remark]);
    // The same key, of the reader's own: nothing is to be said of the one beside.
    expect(await inside('first', 'team.pub')).toEqual([0, '']);
    expect(await inside('first/receipt.sigstore.json', 'first/maestro.pub')).toEqual([0, '']);
    const [, told] = await run('first', '--json');
    expect(JSON.parse(told.out)).toMatchObject({ isKeyInFolder: false, files: { others: [], packFiles: 0 } });
    writeFileSync(join(cwd, 'first', 'maestro.pub'), (await sampleSigner()).publicKeyPem);
    expect(await inside('first', 'team.pub')).toEqual([0, 'nothing is said here of maestro.pub\n']);
    rmSync(join(cwd, 'first', 'maestro.pub'));
  });

  it('takes a disclosure pack that was unpacked, and says what lies beside it', async () => {
    for (const [path, content] of (await readArchive(await samplePack(signer, await sampleFacts(signer)))).files) {
      mkdirSync(dirname(join(cwd, 'unpacked', path)), { recursive: true });
      writeFileSync(join(cwd, 'unpacked', path), content);
    }
    const [exit, { out, err }] = await run('unpacked');
    expect([exit, out, err]).toEqual([0, expect.stringMatching(/pack {5}\d+ files of its disclosure/), '']);
    const alone = new FakeProcess({ cwd });
    expect([await alone.run('verify', 'unpacked'), alone.err]).toEqual([0, expect.stringContaining('--key FILE')]);
    writeFileSync(join(cwd, 'unpacked', 'index.html'), 'another page');
    const [refused, shown] = await run('unpacked');
    expect([refused, shown.err]).toEqual([5, expect.stringContaining('error[PACK_FILE_MISMATCH]')]);
  });
});

function leakyFacts(facts: DisclosureFacts): DisclosureFacts {
  return { ...facts, logs: facts.logs.map((log) => ({ ...log, text: `in ${SECRET}` })) };
}
