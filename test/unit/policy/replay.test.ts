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
import { damagedQuestions, wellFormedQuestions } from './arbitrary-questions.ts';
import { BUNDLE, POLICY_FOLDER } from './fixture.ts';

/** So many that each verdict comes up. */
const QUESTIONS = 800;
const ALL = ['allow', 'ask', 'deny'];
const CASES: readonly [string, JsonObject, readonly string[]][] = [
  ['the defaults', {}, ALL],
  [
    'a rule of every pack made to speak',
    {
      tags: { forbidden: { verdict: 'deny' }, pii: { verdict: 'ask' } },
      budget: { max: { usd: 0.3, tokens: 1000, minutes: 7.5 } },
      secrets: { allow: ['TOKEN'] },
      egress: { allow: ['api.example.com', '*.npmjs.org'] },
      autonomy: { max: 'L1', 'dual-control': { tags: ['deploy'], environments: ['staging'] } },
      environments: {
        dev: { order: 1 },
        qa: { order: 2 },
        zoo: { order: 2 },
        staging: { order: 2, checks: ['zeta', 'ci', 'm1'], approvals: 2, reviewers: ['grace'] },
        prod: { order: 3, soak: '5s', checks: 'all', autonomy: 'L3', expires: '24h' },
      },
      freeze: {
        windows: [
          { name: 'weekend', timezone: 'Europe/Paris', weekly: { from: 'fri 16:00', to: 'mon 08:00' }, effect: 'hold' },
          {
            name: 'night',
            environments: ['staging'],
            timezone: 'Europe/Paris',
            weekly: { from: 'tue 20:00', to: 'wed 06:00' },
            effect: 'hold',
          },
          { name: 'decade', timezone: 'Europe/Paris', from: '2030-01-01T00:00', to: '2040-01-01T00:00' },
        ],
      },
      roles: { approver: { permissions: ['admin'], teams: ['ACME/release'], people: ['Ada'] } },
      purposes: { release: { authorities: ['board'], roles: ['release-manager'] } },
      licences: { MIT: {}, 'AGPL-3.0-only': {} },
      quota: { steps: 15, runs: 3, jobs: { gpu: 2, linux: 7 } },
      residency: { tags: { pii: ['eu'] } },
      runners: { linux: { region: 'eu', secrets: false }, gpu: { region: 'us' } },
      pii: { egress: ['*.npmjs.org'], purposes: ['test', 'build'] },
      supplychain: { licences: { deny: ['AGPL-3.0-only'] }, pinned: true, vulnerabilities: { high: 0 } },
      release: { require: ['sbom'], refs: ['refs/tags/*'] },
      routing: { models: ['gpt-4o'] },
    },
    ALL,
  ],
  [
    'malformed data',
    {
      kinds: null,
      tags: { odd: 'x' },
      autonomy: { max: 'L9' },
      budget: { max: { usd: '5' } },
      secrets: { allow: 'A' },
      environments: { prod: { soak: 'long', checks: 3 }, staging: { order: 'last' } },
      freeze: { windows: [{ timezone: 3 }, 'weekend', { name: 'x', timezone: 'Europe/Paris', weekly: 'always' }] },
      roles: { viewer: 'all', admin: { permissions: 'admin' } },
      actions: { run: ['developer'] },
      quota: { jobs: { gpu: 'two' } },
    },
    ['deny'],
  ],
];

describeWith('opa', 'stock opa', (opa) => {
  test.each(CASES)(
    'gives the answer that the module gave, whatever is asked, with %s',
    async (_, patch, verdictsExpected) => {
      const data = mergePatch(BUNDLE.manifest.defaults, patch) as JsonObject;
      const module = await PolicyModule.load(BUNDLE, data);
      const questions = fc.array(fc.oneof(wellFormedQuestions, damagedQuestions), {
        minLength: QUESTIONS,
        maxLength: QUESTIONS,
        size: 'max',
      });
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
