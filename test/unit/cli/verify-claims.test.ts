import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
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
});
