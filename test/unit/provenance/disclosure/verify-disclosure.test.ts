import { beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import { PREDICATE_TYPES } from '../../../../src/provenance/attestations/predicate-types.ts';
import { buildStatement } from '../../../../src/provenance/attestations/statement.ts';
import { readArchive, writeArchive } from '../../../../src/provenance/disclosure/archive.ts';
import { draftDisclosure, fittingLogBytes } from '../../../../src/provenance/disclosure/disclosure.ts';
import type { DisclosureFacts } from '../../../../src/provenance/disclosure/disclosure-facts.ts';
import { keysInside, sumsOf } from '../../../../src/provenance/disclosure/pack-files.ts';
import { verifyDisclosure } from '../../../../src/provenance/disclosure/verify-disclosure.ts';
import { signPayload } from '../../../../src/provenance/envelope.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { VerificationError } from '../../../../src/provenance/verification-error.ts';
import { sampleSigner } from '../sample-run.ts';
import { forgedPack, logOf, sampleFacts, samplePack } from './sample-disclosure.ts';

type Files = Map<string, Uint8Array>;

describe('a disclosure pack', () => {
  let signer: Signer;
  let facts: DisclosureFacts;
  let archive: Uint8Array;
  beforeAll(async () => {
    signer = await sampleSigner();
    facts = await sampleFacts(signer);
    archive = await samplePack(signer, facts);
  });

  const refusal = async (bytes: Uint8Array, key = signer.publicKeyPem): Promise<string | undefined> => {
    try {
      await verifyDisclosure({ archive: bytes, key });
      return undefined;
    } catch (error) {
      if (error instanceof VerificationError) return error.code;
      throw error;
    }
  };
  /** The pack with other files in it, by somebody who cannot sign. */
  const altered = async (change: (files: Files) => void): Promise<Uint8Array> => {
    const { folder, files } = await readArchive(archive);
    const copy: Files = new Map(files);
    change(copy);
    return writeArchive(folder, copy);
  };
  /** The same by somebody who has the key. */
  const forged = (change: (files: Files) => void, bySigner = signer) => forgedPack(bySigner, facts, change);
  const text = (files: Files, path: string): string => Buffer.from(files.get(path) ?? []).toString();
  const edit = (path: string, from: string, to: string) => (files: Files) => {
    const before = text(files, path);
    expect(before).toContain(from);
    files.set(path, Buffer.from(before.replace(from, to)));
  };

  it('holds what it was made of, and is the same each time it is made', async () => {
    const { receipt, manifest, files } = await verifyDisclosure({ archive, key: signer.publicKeyPem });
    expect(receipt.runRecord).toBe(facts.receipt.runRecord);
    expect(manifest.policy.decisions).toHaveLength(4);
    expect(manifest.policy.decisions.every(({ isReplayable }) => isReplayable)).toBe(true);
    expect(manifest.logs.every(({ isWhole }) => isWhole)).toBe(true);
    expect(text(new Map(files), 'logs/0003-step-3.log')).toBe(logOf(3));
    const again = await draftDisclosure(facts);
    expect(again.payload).toBe((await draftDisclosure(structuredClone(facts))).payload);
  });

  it('cuts logs until it is small enough, and says which', async () => {
    const noise = (seed: number): string =>
      Array.from({ length: 40_000 }, (_, i) => digestBytes(`${seed}.${i}`)).join('\n');
    const logs = facts.logs.map((log, i) => (i < 2 ? { ...log, text: noise(i) } : log));
    const large = await samplePack(signer, { ...facts, logs });
    expect(large.byteLength).toBeLessThan(2_000_000);
    const { manifest, files } = await verifyDisclosure({ archive: large, key: signer.publicKeyPem });
    expect(manifest.logs.filter(({ isWhole }) => !isWhole)).toHaveLength(2);
    expect(text(new Map(files), manifest.logs[0]?.path ?? '')).toMatch(
      /^\[\d+ bytes before this line are left out\]\n/,
    );
  });

  const noise = (lines: number): string => Array.from({ length: lines }, (_, i) => digestBytes(`${i}`)).join('\n');
  /** How often something large was packed: each time in a thread of its own. */
  const threadsOf = async (deed: () => Promise<unknown>): Promise<number> => {
    let count = 0;
    const onWorker = (): void => void count++;
    process.on('worker', onWorker);
    try {
      await deed();
    } finally {
      process.off('worker', onWorker);
    }
    return count;
  };

  it.each<[string, () => Partial<DisclosureFacts>, number]>([
    [
      'more evidence than fits, and no log',
      () => {
        const rules = { ...facts.policy.rules, wasm: Buffer.from(noise(60_000)) };
        return { logs: [], policy: { ...facts.policy, rules } };
      },
      0,
    ],
    ['logs that fit as they are', () => ({ logs: facts.logs.map((log) => ({ ...log, text: noise(2000) })) }), 0],
    [
      'a log that fits when it is packed',
      () => ({ logs: [{ stepId: 'step-0', text: noise(40_000), bytesBefore: 0 }] }),
      1,
    ],
    ['a log that is too long', () => ({ logs: [{ stepId: 'step-0', text: noise(100_000), bytesBefore: 0 }] }), 3],
  ])('is not packed to see what fits more often than it takes: %s', async (_what, change, count) => {
    const changed = { ...facts, ...change() };
    expect(await threadsOf(() => draftDisclosure(changed))).toBe(count);
  });

  it('uses the room that it has for logs, also where another key signs it', async () => {
    const logs = [{ stepId: 'step-0', text: noise(110_000), bytesBefore: 0 }];
    const large = await samplePack(signer, { ...facts, logs });
    expect(large.byteLength).toBeGreaterThan(1_500_000);
    expect(large.byteLength).toBeLessThan(2_000_000);
    const next = await sampleSigner();
    const later = { ...facts, logs, packKey: next.publicKeyPem };
    const logBytesMax = await fittingLogBytes({ ...facts, logs });
    expect((await draftDisclosure(later, logBytesMax)).payload).toBe((await draftDisclosure(later)).payload);
  });

  it('tells what it does not have: a question, data of other rules, a log', async () => {
    const [question] = facts.policy.questions.keys();
    const questions = new Map([...facts.policy.questions].filter(([digest]) => digest !== question));
    const less: DisclosureFacts = { ...facts, policy: { ...facts.policy, questions }, logs: facts.logs.slice(1) };
    const { manifest } = await verifyDisclosure({ archive: await samplePack(signer, less), key: signer.publicKeyPem });
    expect(manifest.policy.decisions[0]).toMatchObject({ question: null, isReplayable: false });
    expect(manifest.logs[0]).toMatchObject({ path: null, isWhole: false });
    const rules = { ...facts.policy.rules, wasm: Buffer.from('another module') };
    const other = await samplePack(signer, { ...facts, policy: { ...facts.policy, rules } });
    const verified = await verifyDisclosure({ archive: other, key: signer.publicKeyPem });
    expect(verified.manifest.policy.decisions.some(({ isReplayable }) => isReplayable)).toBe(false);
  });

  it.each<[string, (files: Files) => void, string]>([
    ['whose list of digests was changed', edit('SHA256SUMS', 'a', 'b'), 'SUBJECT_MISMATCH'],
    [
      'whose page and list were changed together',
      (files) => {
        edit('index.html', 'succeeded', 'failed')(files);
        const listed = new Map([...files].filter(([path]) => !path.startsWith('SHA256SUMS')));
        files.set('SHA256SUMS', Buffer.from(sumsOf(listed)));
      },
      'SUBJECT_MISMATCH',
    ],
    ['without what signs it', (files) => files.delete('SHA256SUMS.sigstore.json'), 'PACK_FILE_MISMATCH'],
    ['without its receipt', (files) => files.delete('receipt.sigstore.json'), 'PACK_FILE_MISMATCH'],
    [
      'signed by its receipt',
      (files) => files.set('SHA256SUMS.sigstore.json', files.get('receipt.sigstore.json') as Uint8Array),
      'TOO_LARGE',
    ],
  ])('%s is refused', async (_, change, code) => {
    expect(await refusal(await altered(change))).toBe(code);
  });

  it.each<[string, (files: Files) => void, string]>([
    ['has another run record', edit('run.json', 'succeeded', 'failed'), 'SUBJECT_MISMATCH'],
    ['has another log', edit('logs/0000-step-0.log', 'log', 'lag'), 'PACK_FILE_MISMATCH'],
    ['calls a log whole that was cut', edit('logs/0000-step-0.log', 'log 0', ''), 'PACK_FILE_MISMATCH'],
    ['has a manifest that is none', edit('manifest.json', '"logs"', '"lags"'), 'SCHEMA_INVALID'],
    ['leaves a decision out of its manifest', edit('manifest.json', '"id":"d2"', '"id":"d9"'), 'POLICY_MISMATCH'],
  ])('that %s is refused, whoever signed it', async (_, change, code) => {
    expect(await refusal(await forged(change))).toBe(code);
  });

  it('of a receipt that another key signed is refused, and so is one that another key signed', async () => {
    const other = await sampleSigner();
    expect(await refusal(archive, other.publicKeyPem)).toBe('KEY_UNKNOWN');
    expect(await refusal(await forged(() => {}, other))).toBe('KEY_UNKNOWN');
  });

  it('names the key that signed it where that of the receipt was replaced since, and counts for who trusts both', async () => {
    const next = await sampleSigner();
    const later = await samplePack(next, { ...facts, packKey: next.publicKeyPem });
    expect(await refusal(later)).toBe('KEY_UNKNOWN');
    const both = [signer, next].map(({ publicKeyPem }) => ({ publicKeyPem }));
    const { manifest, files } = await verifyDisclosure({ archive: later, key: both });
    expect(manifest.key).toBe('maestro-2.pub');
    expect(new Set(keysInside(files).map(({ publicKeyPem }) => publicKeyPem))).toEqual(
      new Set([signer, next].map(({ publicKeyPem }) => publicKeyPem)),
    );
    expect(text(new Map(files), 'VERIFY.md')).toContain('--key maestro-2.pub --bundle SHA256SUMS.sigstore.json');
  });

  it('shows on its page as text what somebody called things', async () => {
    const name = '"><script>alert(1)</script>\u202e';
    const evil = await sampleFacts(signer, (run) => ({
      ...run,
      run: { ...run.run, pipeline: { ...run.run.pipeline, name } },
      approvals: run.approvals.map((approval) => ({ ...approval, reason: '<img src=x onerror=alert(1)>' })),
    }));
    const { files } = await draftDisclosure(evil);
    const page = text(new Map(files), 'index.html');
    expect(page).not.toMatch(/<script|<img|\u202e/);
    expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}');
  });

  describe('with attestations', () => {
    const about = { name: 'app.tgz', digest: digestBytes('app') };
    const attested = async (subjects = [about]): Promise<DisclosureFacts> => {
      const { payload } = buildStatement('signature', [about], {});
      const predicateType = PREDICATE_TYPES.signature;
      return {
        ...facts,
        attestations: [
          { predicateType, subjects, bundle: await signPayload(payload, signer), publicKey: signer.publicKeyPem },
        ],
      };
    };

    it('names them by what they state, and holds them as they were signed', async () => {
      const given = await attested();
      const { files, manifest } = await verifyDisclosure({
        archive: await samplePack(signer, given),
        key: signer.publicKeyPem,
      });
      expect(manifest.attestations).toMatchObject([{ path: 'attestations/0001-cosign-sign-v1.sigstore.json' }]);
      expect(text(new Map(files), manifest.attestations[0]?.path ?? '')).toBe(given.attestations[0]?.bundle);
      expect(text(new Map(files), 'VERIFY.md')).toContain(`--type ${PREDICATE_TYPES.signature}`);
    });

    it('is refused where one is about something else, or another key signed it', async () => {
      const lying = await attested([{ ...about, digest: digestBytes('evil') }]);
      expect(await refusal(await samplePack(signer, lying))).toBe('SUBJECT_MISMATCH');
      const { payload } = buildStatement('signature', [about], {});
      const bundle = await signPayload(payload, await sampleSigner());
      const foreign = {
        ...lying,
        attestations: [
          { predicateType: PREDICATE_TYPES.signature, subjects: [about], bundle, publicKey: signer.publicKeyPem },
        ],
      };
      expect(await refusal(await samplePack(signer, foreign))).toBe('KEY_UNKNOWN');
    });
  });
});
