import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { digestBytes, digestJson } from '../../../src/base/digest.ts';
import type { Json } from '../../../src/base/json.ts';
import { deriveStepsRoot, type ReceiptPredicate1 } from '../../../src/provenance/receipt.ts';
import { RECEIPT_SCHEMA_1 } from '../../../src/provenance/receipt-schema-1.ts';
import { decisionResultDigest } from '../../../src/provenance/run-record.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { flips } from './change.ts';
import { answerToPayload, type Draft } from './draft.ts';
import { sampleSigner } from './sample-run.ts';

/** What `maestro receipt` of 0.1.0 wrote: a release that two people approved, and of which policy asked about the deployment. */
const FOLDER = join(import.meta.dirname, 'fixtures/receipt-v1');
const BUNDLE = readFileSync(join(FOLDER, 'receipt.sigstore.json'));
const KEY = readFileSync(join(FOLDER, 'maestro.pub'), 'utf8');
const RUN_RECORD = readFileSync(join(FOLDER, 'run.json'));

interface Statement {
  readonly predicate: Draft<ReceiptPredicate1>;
}

let signer: Signer;
beforeAll(async () => {
  signer = await sampleSigner();
});

function statement(): Statement {
  const { dsseEnvelope } = JSON.parse(BUNDLE.toString()) as { dsseEnvelope: { payload: string } };
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as Statement;
}

const answer = (changed: unknown) => answerToPayload(canonicalJson(changed as Json), signer);

describe('a receipt of version 1', () => {
  it('verifies as it did when it was written, with its run record and its artifact', () => {
    const artifacts = [{ name: 'dist/app.tgz', digest: digestBytes('app 1\n') }];
    const verified = verifyReceipt({ bundle: BUNDLE, key: KEY, runRecord: RUN_RECORD, artifacts });
    expect(verified.payloadSha256).toBe('63345439d785fe9db3d3e9af73780858b85340417bf818074fb0496218aa90c5');
    expect(verified.statement.predicate).toMatchObject({ schemaVersion: '1', run: { status: 'succeeded' } });
    expect(verified.runRecord).toBe(RUN_RECORD.toString());
  });

  // Whoever changes this refuses receipts that were good when they were written.
  it('is held to the schema that it was always held to', () => {
    expect(digestJson(RECEIPT_SCHEMA_1)).toBe(
      'sha256:3104fe7b7e9cb19c117208a1506d45549566681be98f5bfb1285b2e1e17b82c1',
    );
  });

  it('is refused with any one value changed, whoever signs it', async () => {
    expect(await answer(statement())).toBeUndefined();
    const places = [...flips(statement() as unknown as Json)];
    expect(places.length).toBeGreaterThan(200);
    const taken: string[] = [];
    for (const [place, changed] of places) if ((await answer(changed)) === undefined) taken.push(place);
    expect(taken).toEqual([]);
  });

  it.each<[string, string, (predicate: Draft<ReceiptPredicate1>) => unknown]>([
    ['an approval of another run', 'APPROVAL_INVALID', (p) => (p.run.id = 'another-run')],
    ['no approval of its gate', 'APPROVAL_INVALID', (p) => p.approvals.splice(0, 2)],
    ['no approval of what policy asked about', 'APPROVAL_INVALID', (p) => p.approvals.pop()],
    ['a refusal', 'APPROVAL_INVALID', (p) => (p.approvals[0]!.decision = 'deny')],
    ['fewer people than policy wants', 'APPROVAL_INVALID', (p) => oblige(p, 'approvals', 2)],
    ['whoever asked as approver', 'APPROVAL_INVALID', (p) => (oblige(p, 'approver-is-not-actor', true), own(p))],
    ['nobody who looked for authors', 'APPROVAL_INVALID', (p) => oblige(p, 'approver-is-not-author', true)],
    ['a promotion, which it cannot tell', 'PROMOTION_INVALID', (p) => promote(p)],
    ['a field of version 2', 'SCHEMA_INVALID', (p) => Object.assign(p, { secrets: [] })],
    ['a phase of version 2', 'SCHEMA_INVALID', (p) => Object.assign(p.policy[0]!, { phase: 'secret' })],
    ['the name of version 2', 'SCHEMA_INVALID', (p) => Object.assign(p, { schemaVersion: '2' })],
    ['the name of version 3', 'SCHEMA_INVALID', (p) => Object.assign(p, { schemaVersion: '3' })],
    ['a number for its version', 'SCHEMA_INVALID', (p) => Object.assign(p, { schemaVersion: 1 })],
    ['no version', 'SCHEMA_INVALID', (p) => Reflect.deleteProperty(p, 'schemaVersion')],
  ])('is refused with %s: %s', async (_what, code, change) => {
    const changed = statement();
    change(changed.predicate);
    expect(await answer(changed)).toBe(code);
  });
});

/** Of the deployment. */
function oblige({ policy }: Draft<ReceiptPredicate1>, type: string, value: number | boolean): void {
  const decision = policy.at(-1)!;
  decision.obligations = [{ type, value }];
  decision.result.digest = decisionResultDigest(decision);
}

function own({ run, approvals }: Draft<ReceiptPredicate1>): void {
  approvals.at(-1)!.approver = run.trigger.actor;
}

function promote(predicate: Draft<ReceiptPredicate1>): void {
  const gate = predicate.steps.find(({ id }) => id === 'to-prod')!;
  predicate.approvals.splice(0, 2);
  gate.code.uri = 'maestro:gate.promote';
  predicate.stepsRoot = deriveStepsRoot(predicate.steps);
}
