import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Json, JsonObject } from '../../../src/base/json.ts';
import { mergePatch } from '../../../src/policy/merge-patch.ts';
import { PolicyModule } from '../../../src/policy/module.ts';
import { describeWith } from '../../real-parts.ts';
import { BUNDLE, POLICY_FOLDER } from './fixture.ts';

const ODD = ['', '\u0000', '"', '\\', '<&>', 'pіi', '\u{1f600}', '\u212aey.com', 'a\nb', '__proto__', 'x'.repeat(300)];
/** Mostly one of the names, so that questions are allowed and asked about too. */
const oneOf = (...values: readonly Json[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.constantFrom(...ODD) });
const some = (...values: readonly Json[]) => fc.array(oneOf(...values), { maxLength: 2 });
const orNull = (value: fc.Arbitrary<Json>) => fc.oneof(fc.constant(null), value);
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 7 }) },
  { weight: 1, arbitrary: fc.constantFrom(null, 300_000, 300_001, 1e300, -1, 7.5, 0.1) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
);

const run = {
  pipeline: fc.record({
    name: fc.constant('golden'),
    kind: oneOf('ci', 'ops'),
    version: fc.constant(null),
    steps: fc.integer({ min: 1, max: 20 }),
  }),
  trigger: fc.record({
    type: fc.constant('push'),
    actor: fc.record({ provider: fc.constant('github'), id: fc.string({ unit: 'binary', maxLength: 5 }) }),
    repository: fc.string(),
    ref: fc.constant(null),
    isFork: fc.boolean(),
  }),
  purpose: orNull(oneOf('release', 'test', 'build', 'fun')),
  authority: fc.constant(null),
  licence: fc.constant(null),
  autonomy: orNull(oneOf('L0', 'L1', 'L3', 'L4', 'L9')),
  budget: fc.record({ microUsd: amount, tokens: amount, minutes: amount }),
};
const step = fc.record({
  kind: oneOf('work', 'work', 'gate', 'wait'),
  uses: fc.constant('shell'),
  code: fc.constant({ uri: 'builtin:shell', digest: null }),
  runner: oneOf('linux', 'linux', 'gpu', 'mainframe'),
  tags: some('pii', 'test', 'high-risk', 'deploy', 'forbidden'),
  egress: some('api.example.com', 'API.example.com', 'a.npmjs.org', 'npmjs.org', '*', '*.npmjs.org', 'a b'),
  secrets: some('TOKEN', 'TOKEN', 'OTHER'),
  environment: orNull(oneOf('staging', 'dev', 'prod', 'moon')),
  gatedBy: some('prod'),
  isIdempotent: fc.boolean(),
  timeoutMs: fc.nat(),
  with: fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<Json>),
});
const wellFormed: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ phase: fc.constant('run'), ...run, step: fc.constant(null) }),
  fc.record({ phase: fc.constant('step'), ...run, step }),
);

/** A question of which one field, at any depth, is lost or replaced. */
const damaged: fc.Arbitrary<Json> = fc
  .tuple(wellFormed, fc.nat(), fc.option(fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>))
  .map(([question, place, value]) => damage(question as JsonObject, place, value));

function damage(question: JsonObject, place: number, value: Json): Json {
  const keys = Object.keys(question);
  const key = keys[place % keys.length];
  if (key === undefined) return value;
  const child = question[key];
  if (typeof child === 'object' && child !== null && !Array.isArray(child) && place % 3 !== 0) {
    return { ...question, [key]: damage(child as JsonObject, place >> 3, value) };
  }
  const { [key]: _, ...rest } = question;
  return value === null ? rest : { ...rest, [key]: value };
}

const ALL = ['allow', 'ask', 'deny'];
const CASES: readonly [JsonObject, readonly string[]][] = [
  [{}, ALL],
  [
    {
      tags: { forbidden: { verdict: 'deny' }, pii: { verdict: 'ask' } },
      budget: { max: { usd: 0.3, tokens: 1000, minutes: 7.5 } },
      secrets: { allow: ['TOKEN'] },
      egress: { allow: ['api.example.com', '*.npmjs.org'] },
      autonomy: { max: 'L1' },
    },
    ALL,
  ],
  [
    {
      kinds: null,
      tags: { odd: 'x' },
      autonomy: { max: 'L9' },
      budget: { max: { usd: '5' } },
      secrets: { allow: 'A' },
    },
    ['deny'],
  ],
];

describeWith('opa', 'stock opa', (opa) => {
  test.each(CASES)(
    'gives the answer that the module gave, whatever is asked, with the data %j',
    async (patch, verdictsExpected) => {
      const data = mergePatch(BUNDLE.manifest.defaults, patch) as JsonObject;
      const module = await PolicyModule.load(BUNDLE, data);
      const questions = fc.array(fc.oneof(wellFormed, damaged), { minLength: 400, maxLength: 400, size: 'max' });
      const verdicts = new Set<Json | undefined>();
      fc.assert(
        fc.property(questions, (asked) => {
          const answers = asked.map((question) => module.evaluate(new TextEncoder().encode(canonicalJson(question))));
          for (const answer of answers) verdicts.add((answer as JsonObject)['verdict']);
          expect(answers).toEqual(replay(opa, data, asked));
        }),
        // Without shrinking: each attempt is a process.
        { numRuns: 1, endOnFailure: true },
      );
      expect(verdicts).toEqual(new Set(verdictsExpected));
    },
  );
});

function replay(opa: string, data: JsonObject, questions: readonly Json[]): Json {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-replay-'));
  try {
    writeFileSync(join(folder, 'data.json'), JSON.stringify(data));
    const query = '[answer | some question in input.questions; answer := data.maestro.decision with input as question]';
    const args = ['eval', '--format', 'raw', '--stdin-input', '--data', POLICY_FOLDER];
    const result = spawnSync(opa, [...args, '--data', join(folder, 'data.json'), query], {
      input: JSON.stringify({ questions }),
      encoding: 'utf8',
      maxBuffer: 100_000_000,
    });
    if (result.status !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
