import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import {
  evidenceSection,
  isSameBody,
  runOfSection,
  withEvidenceSection,
} from '../../../../src/github/release/evidence-section.ts';
import { RECEIPT_TYPE } from '../../../../src/github/release/verify-commands.ts';
import type { ReleaseSpec } from '../../../../src/protocol/release-board.ts';
import { RECEIPT_PREDICATE_TYPE } from '../../../../src/provenance/receipt-schema.ts';

const PLACE = { owner: 'acme', repo: 'app' };
const asset = (name: string) => ({ name, mediaType: 'a/b', digest: digestBytes(name), sizeBytes: 3 });
const spec = (change: Partial<ReleaseSpec> = {}): ReleaseSpec => ({
  externalId: 'r1/release/page',
  runId: 'r1',
  checkName: 'maestro / ci',
  tag: 'v1',
  isGiven: false,
  title: 'v1',
  notes: '',
  isPrerelease: false,
  isKeptDraft: false,
  gate: { isPassed: true, reasons: [], papers: [] },
  assets: ['app.tgz', 'receipt.sigstore.json', 'run.json', 'SHA256SUMS'].map(asset),
  ...change,
});
const done = (change: Partial<ReleaseSpec> = {}): string =>
  evidenceSection(spec(change), { type: 'done' }, PLACE, undefined);

describe('what a release says of itself', () => {
  it('names the kind of receipt as the receipt does', () => {
    expect(RECEIPT_TYPE).toBe(RECEIPT_PREDICATE_TYPE);
  });

  it('has commands that hold whatever a tag is called', () => {
    const text = done({ tag: "v1';rm -rf ~;'" });
    expect(text).toContain(String.raw`gh release download --repo 'acme/app' --dir release -- 'v1'\'';rm -rf ~;'\'''`);
  });

  it('has a command for each thing that is attached, and for nothing else', () => {
    const summary = {
      verifierId: 'https://m/gate',
      resourceUri: "git+https://it's",
      level: 'L2',
      subject: digestBytes('x'),
    };
    const gate = { isPassed: true, reasons: [], papers: [], summary };
    const assets = ['receipt.sigstore.json', 'disclosure.tgz', 'vsa.json'].map(asset);
    const text = done({ gate, assets });
    expect(text).toContain('maestro verify disclosure.tgz --key ../maestro.pub');
    expect(text).toContain(`--subject-digest '${digestBytes('x')}' --attestation-path vsa.json`);
    expect(text).toContain(String.raw`--resource-uri 'git+https://it'\''s'`);
    expect(text).not.toContain('sha256sum');
    expect(done({ assets })).not.toContain('slsa-verifier');
    expect(done()).not.toMatch(/disclosure|vsa/);
  });

  it('has commands that trust no key which was downloaded with the files', () => {
    const summary = { verifierId: 'https://m/gate', resourceUri: 'git+x', level: 'L2', subject: digestBytes('x') };
    const gate = { isPassed: true, reasons: [], papers: [], summary };
    const names = ['receipt.sigstore.json', 'run.json', 'disclosure.tgz', 'vsa.json', 'SHA256SUMS', 'maestro.pub'];
    const text = done({ gate, assets: names.map(asset) });
    expect(text).toMatch(/--dir release -- 'v1'\ncd release\n/);
    const keys = [...text.matchAll(/--(?:key|public-key-path) (?<key>[^\s`]+)/g)].map(({ groups }) => groups?.['key']);
    expect(keys).toEqual(Array.from({ length: 5 }, () => '../maestro.pub'));
    expect(text).toContain('`--keys ../keys.json`');
  });

  it('keeps whatever its author wrote around it, however often it is written', () => {
    const words = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('<!-- maestro:release r0 -->', '<!-- /maestro:release -->', '\r\n', 'text'),
    );
    fc.assert(
      fc.property(
        fc.array(words).map((all) => all.join('')),
        (before) => {
          fc.pre(runOfSection(before) === undefined);
          const once = withEvidenceSection(before, done());
          const kept = before.replaceAll('\r\n', '\n').trimEnd();
          expect(once.startsWith(kept) && runOfSection(once) === 'r1').toBe(true);
          const after = `${once}\n\nAfter.`;
          const twice = withEvidenceSection(after, done({ runId: 'r2' }));
          expect(twice.startsWith(kept) && twice.endsWith('\n\nAfter.') && runOfSection(twice) === 'r2').toBe(true);
          expect(isSameBody(withEvidenceSection(twice, done({ runId: 'r2' })), twice)).toBe(true);
        },
      ),
    );
  });

  it('is left out where the author’s text leaves no room', () => {
    const long = 'x'.repeat(124_900);
    expect(withEvidenceSection(long, done())).toBe(long);
  });

  it('shows hostile names, reasons and papers as text', () => {
    const evil = '--><script>alert(1)</script> @acme/team [x](http://evil) | <!-- /maestro:release -->';
    const papers = [{ name: evil, isVerified: true }];
    const shown = [
      done({ gate: { isPassed: true, reasons: [], papers }, assets: [asset(evil)] }),
      evidenceSection(
        spec({ gate: { isPassed: false, reasons: [evil], papers } }),
        { type: 'refused', reasons: [evil] },
        PLACE,
        undefined,
      ),
    ];
    for (const text of shown) {
      expect(text.match(/<!--|-->|<script|@acme|\]\(http/g)).toEqual(['<!--', '-->', '<!--', '-->']);
      expect(runOfSection(text)).toBe('r1');
    }
  });

  it('lists as many files as there is room for, and says how many there are', () => {
    const text = done({ assets: Array.from({ length: 2000 }, (_, i) => asset(`file-${i}.bin`)) });
    expect(Buffer.byteLength(text)).toBeLessThan(60_000);
    expect(text).toMatch(/… and \d+ more files\./);
  });
});
