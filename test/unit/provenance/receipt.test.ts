import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { digestBytes, hexOf } from '../../../src/base/digest.ts';
import type { Json, JsonObject } from '../../../src/base/json.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import { leafHash, merkleRoot } from '../../../src/provenance/merkle.ts';
import { buildReceipt, recordOf, SUBJECTS_MAX, subjectName } from '../../../src/provenance/receipt.ts';
import { RECEIPT_PREDICATE_SCHEMA } from '../../../src/provenance/receipt-schema.ts';
import { runRecordText } from '../../../src/provenance/run-record.ts';
import { compileSchema } from '../../../src/provenance/schema-fault.ts';
import { change } from './change.ts';
import { promotionRun } from './sample-promotion.ts';
import { sampleArtifact, sampleRun, sampleStep } from './sample-run.ts';

const json = (value: unknown) => value as Json;

describe('a receipt', () => {
  it('is an in-toto statement about run.json and then the outputs', () => {
    const { statement, runRecord } = buildReceipt(sampleRun(3));
    expect(Object.keys(statement).sort()).toEqual(['_type', 'predicate', 'predicateType', 'subject']);
    expect(statement.subject.map(({ name }) => name)).toEqual([
      'run.json',
      'step-0/dist/dist/app-0.tgz',
      'step-1/dist/dist/app-1.tgz',
      'step-2/dist/dist/app-2.tgz',
    ]);
    expect(statement.subject[0]?.digest.sha256).toBe(hexOf(digestBytes(runRecord)));
  });

  it('is canonical JSON, named by the digest of its bytes', () => {
    const { statement, payload, payloadSha256, runRecord } = buildReceipt(sampleRun(25));
    expect(payload).toBe(canonicalJson(json(statement)));
    expect(runRecord).toBe(canonicalJson(JSON.parse(runRecord) as Json));
    expect(payloadSha256).toBe(hexOf(digestBytes(payload)));
  });

  // Receipts live for years: whoever changes these bytes changes what old verifiers must still understand.
  it('has the bytes that it has always had', () => {
    expect(buildReceipt(promotionRun()).payloadSha256).toBe(
      'f600ba90ecbc7bd878b28fe7ef64f1fe299c69ee5d3e1b66e8773b9e449abf0f',
    );
  });

  it('commits to each step by an RFC 6962 root over their canonical JSON', () => {
    const { predicate } = buildReceipt(sampleRun(7)).statement;
    expect(predicate.stepCount).toBe(7);
    expect(predicate.stepsRoot).toBe(
      merkleRoot(predicate.steps.map((step) => leafHash(canonicalJson(json(step))))).toString('hex'),
    );
  });

  it('has equal bytes for equal facts, however their fields are ordered and whatever else they hold', () => {
    const facts = promotionRun();
    const noisy = JSON.parse(JSON.stringify(facts), (_key, value: Json) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries([['secret', 'hunter2'], ...Object.entries(value).reverse()])
        : value,
    ) as RunFacts;
    expect(buildReceipt(noisy)).toEqual(buildReceipt(facts));
    expect(buildReceipt(noisy).payload).not.toContain('hunter2');
  });

  it('implies its run record', () => {
    const { runRecord, statement } = buildReceipt(promotionRun());
    expect(runRecordText(recordOf(statement.predicate))).toBe(runRecord);
  });

  it('is canonical for any text that a run can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (reason, path) => {
        const facts = sampleRun(1);
        const step = { ...sampleStep(0), reason, outputs: [{ ...sampleArtifact(0), path }] };
        const { payload, statement } = buildReceipt({ ...facts, steps: [step] });
        expect(payload).toBe(canonicalJson(json(statement)));
        expect(statement.subject[1]?.name).toMatch(/^[!-~]+$/);
      }),
    );
  });

  it('refuses a lone surrogate, which has no UTF-8 form', () => {
    const facts = { ...sampleRun(1), steps: [{ ...sampleStep(0), reason: '\ud800' }] };
    expect(() => buildReceipt(facts)).toThrow(expect.objectContaining({ code: 'INVALID_JSON' }));
  });

  it('refuses to grow beyond 16 MiB', () => {
    const facts = { ...sampleRun(1), steps: [{ ...sampleStep(0), reason: 'x'.repeat(17 * 1024 * 1024) }] };
    expect(() => buildReceipt(facts)).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }));
  });

  it('holds 10,000 steps', () => {
    expect(buildReceipt(sampleRun(10_000)).payload.length).toBeLessThan(14 * 1024 * 1024);
  });

  it('names as many outputs as subjects as sigstore clients take, and all of them in the predicate', () => {
    const outputs = Array.from({ length: 1500 }, (_, index) => sampleArtifact(index));
    const { statement } = buildReceipt({ ...sampleRun(1), steps: [{ ...sampleStep(0), outputs }] });
    expect(statement.subject).toHaveLength(SUBJECTS_MAX);
    expect(statement.predicate.outputs).toHaveLength(1500);
  });
});

describe('a subject name', () => {
  it.each([
    [{ stepId: 'build[22,linux]', name: 'dist', path: 'a/b.tgz' }, 'build[22,linux]/dist/a/b.tgz'],
    [{ stepId: 'a/b', name: 'c', path: 'd' }, 'a%2Fb/c/d'],
    [{ stepId: 'a', name: 'b/c', path: 'd' }, 'a/b%2Fc/d'],
    [{ stepId: 'a', name: 'b', path: '100%' }, 'a/b/100%25'],
    [{ stepId: 'a', name: 'b', path: 'an app' }, 'a/b/an%20app'],
    [{ stepId: 'a', name: 'b', path: 'аpp' }, 'a/b/%D0%B0pp'],
    [{ stepId: 'a', name: 'b', path: 'app\u200b' }, 'a/b/app%E2%80%8B'],
  ])('of %j is %s', (output, name) => {
    expect(subjectName(output)).toBe(name);
  });

  it('differs wherever step, artifact or path differ', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '/', '%', '2', 'F', 'é'), minLength: 1, maxLength: 4 });
    const output = fc.record({ stepId: part, name: part, path: part });
    fc.assert(
      fc.property(output, output, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(subjectName(one)).not.toBe(subjectName(other));
      }),
    );
  });
});

describe('the receipt schema', () => {
  const findFault = compileSchema(RECEIPT_PREDICATE_SCHEMA);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(RECEIPT_PREDICATE_SCHEMA);
  const predicate = json(buildReceipt(promotionRun()).statement.predicate) as JsonObject;

  it('takes every receipt that is built', () => {
    expect(findFault(predicate)).toBeUndefined();
    expect(ajv(predicate)).toBe(true);
  });

  it('closes every object and requires every field', () => {
    const objects = JSON.stringify(RECEIPT_PREDICATE_SCHEMA).match(/"type":"object"/g)?.length;
    const closed = JSON.stringify(RECEIPT_PREDICATE_SCHEMA).match(/"additionalProperties":false/g)?.length;
    expect(objects).toBeGreaterThan(15);
    expect(closed).toBe(objects);
  });

  it('means to our checker what it means to ajv', () => {
    const odd = fc.constantFrom<Json>(
      null,
      '',
      'x',
      0,
      -1,
      1.5,
      true,
      [],
      {},
      'sha256:00',
      '-5',
      '007',
      '2026-11-20T12:00:00Z',
    );
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
        fc.option(odd, { nil: undefined }),
        (way, value) => {
          const changed = change(predicate, way, value);
          expect(findFault(changed) === undefined).toBe(ajv(changed));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('is refused by our checker where it says more than that understands', () => {
    expect(() => compileSchema({ type: 'object', properties: { a: { oneOf: [] } } })).toThrow(TypeError);
    expect(() => compileSchema({ $ref: '#/$defs/nowhere' })).toThrow(TypeError);
    expect(() => compileSchema({ anyOf: [{ type: 'string' }, { type: 'integer' }] })).toThrow(TypeError);
  });
});
