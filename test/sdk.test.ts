import {
  type Client,
  compilePipeline,
  defineStep,
  lintPipeline,
  planDigest,
  type RunEvent,
  type RunView,
  STEP_CATALOG,
  VERIFICATION_CODES,
  VerificationError,
  verifyReceipt,
} from 'maestro-conductor';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { buildReceipt } from '../src/provenance/receipt.ts';
import { bundleOf, sampleRun, sampleSigner } from './unit/provenance/sample-run.ts';

const NO_FILES = { read: () => undefined };
const request = {
  path: '.maestro/ci.yaml',
  text: 'name: hello\nparams: { who: { type: string, required: true } }\nsteps:\n  - id: hi\n    run: echo "$WHO"\n    env: { WHO: "${{ params.who }}" }\n',
  catalog: STEP_CATALOG,
  files: NO_FILES,
};

describe('the SDK, imported by the name of the package', () => {
  it('compiles a pipeline to a plan that its digest names', () => {
    const { plan, planDigest: digest, findings } = compilePipeline({ ...request, params: { who: 'ana' } });
    expect(findings).toEqual([]);
    expect(plan?.steps.map(({ id, uses }) => [id, uses])).toEqual([['hi', 'shell']]);
    expect(plan && planDigest(plan)).toBe(digest);
    expect(compilePipeline({ ...request, params: { who: 'bo' } }).planDigest).not.toBe(digest);
  });

  it('answers findings with their places, and throws for none of them', () => {
    expect(compilePipeline({ ...request, params: {} })).not.toHaveProperty('plan');
    const findings = lintPipeline({ ...request, text: request.text.replace('run: echo', 'rum: echo') });
    expect(findings).toContainEqual(
      expect.objectContaining({ code: 'schema-key-unknown', severity: 'error', line: 5, column: 5 }),
    );
  });

  it('defines a step whose work is typed by its input', async () => {
    const double = defineStep<{ readonly value: number }>({
      name: 'double',
      kind: 'work',
      description: 'Doubles a number.',
      isIdempotent: true,
      input: { type: 'object', required: ['value'], properties: { value: { type: 'number' } } },
      output: { type: 'object', required: ['value'], properties: { value: { type: 'number' } } },
      run: async (_context, { value }) => ({ kind: 'succeeded', result: { value: value * 2 } }),
    });
    expectTypeOf(double.run).returns.resolves.toHaveProperty('kind');
    expect([double.name, double.kind]).toEqual(['double', 'work']);
  });

  it('verifies a receipt, and says by a public code why it refuses one', async () => {
    const signer = await sampleSigner();
    const { payload, payloadSha256, runRecord } = buildReceipt(sampleRun(20));
    const receipt = {
      bundle: await bundleOf(payload, signer),
      key: signer.publicKeyPem,
      runRecord: Buffer.from(runRecord),
    };
    const { statement, ...verified } = verifyReceipt(receipt);
    expect([verified.payloadSha256, statement.predicate.run.status]).toEqual([payloadSha256, 'succeeded']);

    const refusal = codeOf(() => verifyReceipt({ ...receipt, runRecord: Buffer.from(`${runRecord} `) }));
    expect(refusal).toBe('SUBJECT_MISMATCH');
    expect(VERIFICATION_CODES).toContain(refusal);
  });

  it('describes runs and their facts as the command line prints them', () => {
    expectTypeOf<Client['readRun']>().returns.resolves.toEqualTypeOf<RunView>();
    expectTypeOf<Client['followRun']>().returns.toEqualTypeOf<AsyncIterable<RunEvent>>();
  });
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof VerificationError) return error.code;
    throw error;
  }
  throw new Error('expected a refusal');
}
