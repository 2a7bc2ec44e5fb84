import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../src/base/json.ts';
import { schemaValidateStep } from '../../../src/steps/schema-validate/schema-validate.ts';
import { computeInThread } from '../../../src/steps/thread.ts';
import { transformStep } from '../../../src/steps/transform/transform.ts';
import { contextOf } from './step-context.ts';

const transform = (expression: string, input: Json = null) =>
  transformStep.run(contextOf().context, { expression, input });

describe('transform step', () => {
  it.each([
    ['orders.price', { orders: [{ price: 1 }, { price: 2 }] }, [1, 2]],
    ['$sum(orders.price)', { orders: [{ price: 1 }, { price: 2 }] }, 3],
    ['missing', {}, null],
    ['{"a": $uppercase(b)}', { b: 'x' }, { a: 'X' }],
    ['function($x){$x}', {}, null],
  ])('evaluates %s', async (expression, input, value) => {
    expect(await transform(expression, input)).toEqual({ kind: 'succeeded', result: { value } });
  });

  it.each([
    ['a syntax error', '{{'],
    ['a recursion without end', '($f := function($n){ 1 + $f($n + 1) }; $f(0))'],
    ['a result beyond the limit', '$join([1..400000].$string($))'],
  ])('answers %s as a bad input', async (_, expression) => {
    await expect(transform(expression)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it.each([
    ['loops', '($f := function($n){ $f($n + 1) }; $f(0))'],
    ['backtracks', '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)'],
  ])('ends an expression that %s for ever', async (_, expression) => {
    const module = new URL('../../../src/steps/transform/transform-thread.ts', import.meta.url);
    const data = { expression, input: null, bytesMax: 1000 };
    await expect(
      computeInThread({ module, data, timeoutMs: 300, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'STEP_TIMED_OUT' });
  });

  it('ends at once when the step is cancelled', async () => {
    const stopper = new AbortController();
    const { context } = contextOf({ signal: stopper.signal });
    const answer = transformStep.run(context, { expression: '($f := function($n){ $f($n + 1) }; $f(0))' });
    stopper.abort(new Error('cancelled'));
    await expect(answer).rejects.toThrow('cancelled');
  });
});

describe('schema-validate step', () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-schema-')));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } };

  it('passes data that the schema describes', async () => {
    expect(await schemaValidateStep.run(contextOf().context, { schema, data: { a: 1 } })).toMatchObject({
      kind: 'succeeded',
      result: { isValid: true },
    });
  });

  it('fails with every problem, annotated on the file', async () => {
    writeFileSync(join(folder, 'data.yaml'), 'a: one\n');
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(schema));
    const { context, annotations } = contextOf({ workingDirectory: folder });
    const answer = await schemaValidateStep.run(context, { schema: 'schema.json', file: 'data.yaml' });
    expect(answer).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      result: { isValid: false, problems: ['data.a must be integer'] },
    });
    expect(annotations).toEqual([
      { level: 'failure', title: 'schema', message: 'data.a must be integer', path: 'data.yaml' },
    ]);
  });

  it.each(['../outside.json', '/etc/passwd', 'missing.json'])('refuses the file %s', async (file) => {
    await expect(
      schemaValidateStep.run(contextOf({ workingDirectory: folder }).context, { schema, file }),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('refuses a schema that is none', async () => {
    await expect(
      schemaValidateStep.run(contextOf().context, { schema: { type: 'nonsense' }, data: 1 }),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});
