import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readArchive } from '../../../../src/provenance/disclosure/archive.ts';
import { buildReceipt } from '../../../../src/provenance/receipt.ts';
import { sampleRun, sampleSigner } from '../sample-run.ts';
import { sampleFacts, samplePack } from './sample-disclosure.ts';

const GUIDE = readFileSync(resolve(import.meta.dirname, '../../../../docs/guides/disclosure.md'), 'utf8');
const SHOWN = GUIDE.slice(GUIDE.indexOf('## What the public edition shows'));

describe('the guide to disclosure', () => {
  let files: ReadonlyMap<string, Uint8Array>;
  beforeAll(async () => {
    const signer = await sampleSigner();
    const secret = { stepId: 'step-1', names: ['NPM_TOKEN'], at: '2026-11-20T10:00:00Z', decisionId: 'd1' };
    const facts = await sampleFacts(signer, (run) => ({ ...run, secrets: [secret] }));
    const policy = { ...facts.policy, data: new Map(), questions: new Map() };
    ({ files } = await readArchive(await samplePack(signer, { ...facts, logs: [], policy })));
  });

  it('names every part of a receipt as something that the public edition shows', () => {
    const {
      schemaVersion: _,
      stepCount: _count,
      stepsRoot: _root,
      ...said
    } = buildReceipt(sampleRun(3)).statement.predicate;
    const parts = new Set([...SHOWN.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell]) => cell?.match(/[a-z]+/g) ?? []));
    expect([...parts].toSorted()).toEqual(Object.keys(said).toSorted());
  });

  it('says what is true: who approved, their words and names of secrets are in the edition without logs and questions', () => {
    const { approvals } = sampleRun(12);
    const record = Buffer.from(files.get('run.json') ?? []).toString();
    expect(approvals).not.toHaveLength(0);
    for (const { approver, reason } of approvals)
      for (const said of [approver.account, reason, 'NPM_TOKEN']) expect(record).toContain(JSON.stringify(said));
    expect([...files.keys()].filter((path) => /^(logs|policy\/(data|questions))\//.test(path))).toEqual([]);
  });
});
