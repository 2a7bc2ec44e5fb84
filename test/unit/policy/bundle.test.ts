import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import { readBundle } from '../../../src/policy/bundle.ts';
import { PolicyModule } from '../../../src/policy/module.ts';
import { BUNDLE, FILES, RUN } from './fixture.ts';

const manifestWith = (change: object) => new TextEncoder().encode(JSON.stringify({ ...BUNDLE.manifest, ...change }));

const isInvalid = (error: unknown) => isMaestroError(error, 'POLICY_INVALID');

describe('a bundle is refused', () => {
  test.each([
    ['whose module has one bit changed', { ...FILES, wasm: FILES.wasm.with(1000, (FILES.wasm[1000] ?? 0) ^ 1) }],
    ['whose manifest is no JSON', { ...FILES, manifest: new TextEncoder().encode('{') }],
    ['whose manifest is not UTF-8', { ...FILES, manifest: new Uint8Array([0x22, 0xff, 0x22]) }],
    ['whose manifest is a list', { ...FILES, manifest: new TextEncoder().encode('[]') }],
    ['whose manifest is of another schema', { ...FILES, manifest: manifestWith({ schema: 'v2' }) }],
    ['whose manifest lacks the defaults', { ...FILES, manifest: manifestWith({ defaults: null }) }],
    ['whose manifest names no digest', { ...FILES, manifest: manifestWith({ wasm: 'sha256:0' }) }],
  ])('%s', (_, files) => {
    let thrown: unknown;
    try {
      readBundle(files);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toSatisfy(isInvalid);
  });
});

describe('a module', () => {
  const ask = (module: PolicyModule, text: string) => module.evaluate(new TextEncoder().encode(text));

  test('that failed answers the next question from a new instance', async () => {
    const module = await PolicyModule.load(BUNDLE, BUNDLE.manifest.defaults);
    const right = ask(module, JSON.stringify(RUN));
    expect(() => ask(module, '['.repeat(1_000_000))).toThrow(RangeError);
    expect(ask(module, JSON.stringify(RUN))).toEqual(right);
    expect(right).toEqual({ verdict: 'allow', reasons: [], obligations: [] });
  });

  test('denies an input of any other type', async () => {
    const module = await PolicyModule.load(BUNDLE, BUNDLE.manifest.defaults);
    const answers = ['null', '[]', '3', '"x"', '{}', 'not JSON'].map((text) => ask(module, text));
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ verdict: 'deny' })));
  });
});
