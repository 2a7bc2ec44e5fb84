import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { digestJson } from '../../../src/base/digest.ts';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { Json, JsonObject } from '../../../src/base/json.ts';
import { REASONS_CHARS_MAX, REASONS_MAX } from '../../../src/policy/answer.ts';
import { INPUT_BYTES_MAX, INPUT_DEPTH_MAX, openPolicy } from '../../../src/policy/evaluate.ts';
import type { PolicyInput } from '../../../src/policy/input.ts';
import { mergePatch } from '../../../src/policy/merge-patch.ts';
import { actionOf, approvalOf, BUNDLE, forkOf, PERSON, promotionOf, RUN, secretOf, stepOf } from './fixture.ts';

const engine = await openPolicy(BUNDLE);

const withData = (patch: JsonObject) =>
  openPolicy({ ...BUNDLE, data: mergePatch(BUNDLE.manifest.defaults, patch) as JsonObject });

const rulesOf = (reasons: readonly string[]) => reasons.map((reason) => reason.slice(0, reason.indexOf(':')));

describe('the packs with their defaults', () => {
  const cases: readonly [string, PolicyInput, string, readonly string[]][] = [
    ['allows an ordinary run', RUN, 'allow', []],
    ['allows an ordinary step', stepOf({}), 'allow', []],
    ['allows work on staging', stepOf({ environment: 'staging' }), 'allow', []],
    ['asks about work on prod', stepOf({ environment: 'prod' }), 'ask', ['approvals/protected-environment']],
    ['lets a gate of prod be reached', stepOf({ kind: 'gate', environment: 'prod' }), 'allow', []],
    ['asks about a high risk', stepOf({ tags: ['pii', 'high-risk'] }), 'ask', ['base/tag-asks']],
    ['denies an unknown tag', stepOf({ tags: ['foo'] }), 'deny', ['base/unknown-tag']],
    ['denies an empty tag', stepOf({ tags: [''] }), 'deny', ['base/unknown-tag']],
    ['denies a tag with a Cyrillic letter', stepOf({ tags: ['pіi'] }), 'deny', ['base/unknown-tag']],
    ['denies a tag in other letter case', stepOf({ tags: ['PII'] }), 'deny', ['base/unknown-tag']],
    ['denies the name of a property of every object', stepOf({ tags: ['__proto__'] }), 'deny', ['base/unknown-tag']],
    ['denies an unknown runner class', stepOf({ runner: 'mainframe' }), 'deny', ['base/unknown-runner']],
    ['denies an unknown environment', stepOf({ environment: 'moon' }), 'deny', ['promotion/unknown-environment']],
    ['denies an unknown purpose', { ...RUN, purpose: 'fun' }, 'deny', ['purpose/unknown-purpose']],
    ['asks about autonomy above the maximum', { ...RUN, autonomy: 'L4' }, 'ask', ['autonomy/above-max']],
    ['denies an unknown autonomy', { ...RUN, autonomy: 'L9' }, 'deny', ['autonomy/unknown']],
    ['lets a fork run on linux', forkOf({}), 'allow', []],
    ['denies a secret to a fork', forkOf({ secrets: ['TOKEN'] }), 'deny', ['fork/secret']],
    ['denies the gpu to a fork', forkOf({ runner: 'gpu' }), 'deny', ['fork/runner']],
    ['releases a secret', secretOf({ secrets: ['A'] }, 'process'), 'allow', []],
    ['lets a writer run', actionOf('run'), 'allow', []],
    ['lets no reader run', actionOf('run', { permission: 'read' }), 'deny', ['access/role']],
    ['lets no App run', actionOf('run', { isApp: true, permission: 'admin' }), 'deny', ['access/app']],
    ['denies an action that nobody knows', actionOf('destroy'), 'deny', ['access/unknown-action']],
    ['denies the name of a property as an action', actionOf('constructor'), 'deny', ['access/unknown-action']],
    ['takes the approval of a writer', approvalOf({}), 'allow', []],
    ['takes consent to a run', approvalOf(null), 'allow', []],
    ['takes no approval of the author', approvalOf({}, { isAuthor: true }), 'deny', ['approvals/author']],
    ['takes the refusal of the author', approvalOf({}, { isAuthor: true, decision: 'deny' }), 'allow', []],
    [
      'takes no approval for prod of who started the run',
      approvalOf({ environment: 'prod' }, { isActor: true }),
      'deny',
      ['approvals/actor'],
    ],
    [
      'takes no approval of a stranger',
      approvalOf({}, { person: { ...PERSON, permission: 'none' } }),
      'deny',
      ['approvals/role'],
    ],
    ['lets a promotion pass', promotionOf({}), 'allow', []],
    [
      'denies a promotion to an environment that nobody knows',
      promotionOf({ environment: 'moon' }),
      'deny',
      ['promotion/unknown-environment'],
    ],
    [
      'denies a step without its fields',
      { ...RUN, phase: 'step' } as unknown as PolicyInput,
      'deny',
      ['base/malformed-input'],
    ],
  ];
  test.each(cases)('%s', (_, input, verdict, rules) => {
    const decision = engine.evaluate(input);
    expect(decision.verdict).toBe(verdict);
    expect(rulesOf(decision.reasons)).toEqual(rules);
  });
});

describe('changed data changes the answer', () => {
  const unknownTag = stepOf({ tags: ['foo'] });
  const cases: readonly [string, JsonObject, PolicyInput, string, string][] = [
    ['a tag is added', { tags: { foo: {} } }, unknownTag, 'deny', 'allow'],
    ['a tag is made to ask', { tags: { pii: { verdict: 'ask' } } }, stepOf({ tags: ['pii'] }), 'allow', 'ask'],
    ['a kind is removed', { kinds: { ci: null } }, RUN, 'allow', 'deny'],
    [
      'prod is opened',
      { environments: { prod: { protected: false } } },
      stepOf({ environment: 'prod' }),
      'ask',
      'allow',
    ],
    ['secrets are listed', { secrets: { allow: ['A'] } }, stepOf({ secrets: ['B'] }), 'allow', 'deny'],
    ['a host is unknown', { egress: { allow: ['a.com'] } }, stepOf({ uses: 'http', egress: ['*'] }), 'allow', 'deny'],
    ['egress is listed', { egress: { allow: ['*.a.com'] } }, stepOf({ egress: ['b.com'] }), 'allow', 'deny'],
    ['autonomy is raised', { autonomy: { max: 'L5' } }, { ...RUN, autonomy: 'L5' }, 'ask', 'allow'],
    [
      'a window is opened',
      {
        freeze: { windows: [{ name: 'w', timezone: 'Europe/Paris', weekly: { from: 'fri 16:00', to: 'mon 08:00' } }] },
      },
      promotionOf({}),
      'allow',
      'deny',
    ],
    ['an order is given', { environments: { qa: { order: 1 }, prod: { order: 2 } } }, promotionOf({}), 'allow', 'deny'],
    ['a team is made to approve', { roles: { approver: { permissions: null } } }, approvalOf({}), 'allow', 'deny'],
    [
      'isolation is wanted',
      { secrets: { isolation: ['container'] } },
      secretOf({ secrets: ['A'] }, 'process'),
      'allow',
      'deny',
    ],
    [
      'a budget is capped',
      { budget: { max: { usd: 1 } } },
      { ...RUN, budget: { ...RUN.budget, microUsd: 1_000_001 } },
      'allow',
      'deny',
    ],
  ];
  test.each(cases)('when %s', async (_, patch, input, before, after) => {
    expect(engine.evaluate(input).verdict).toBe(before);
    const changed = await withData(patch);
    expect(changed.evaluate(input).verdict).toBe(after);
    expect(changed.packDigest).not.toBe(engine.packDigest);
    expect(changed.revision).toBe(engine.revision);
  });

  test('when the data document is empty: everything is denied', async () => {
    const empty = await openPolicy({ ...BUNDLE, data: {} });
    const decision = empty.evaluate(RUN);
    expect(decision.verdict).toBe('deny');
    expect(rulesOf(decision.reasons)).toContain('base/missing-data');
  });
});

describe('a decision', () => {
  test('names the bundle and the question by digests that anyone can compute', () => {
    const hash = createHash('sha256').update(BUNDLE.wasm).update(canonicalJson(BUNDLE.manifest.defaults));
    const decision = engine.evaluate(RUN);
    expect(decision.packDigest).toBe(`sha256:${hash.digest('hex')}`);
    expect(decision.inputDigest).toBe(digestJson(RUN as unknown as Json));
  });

  test('is one frozen object for equal questions', () => {
    const decision = engine.evaluate(stepOf({ tags: ['foo'] }));
    expect(engine.evaluate(stepOf({ tags: ['foo'] }))).toBe(decision);
    expect([decision, decision.reasons, decision.obligations].every(Object.isFrozen)).toBe(true);
  });

  test('is made once per key', () => {
    let made = 0;
    const ask = () => engine.evaluateKeyed('the key', () => (made++, RUN));
    expect(ask()).toBe(ask());
    expect(ask()).toBe(engine.evaluate(RUN));
    expect(made).toBe(1);
  });

  test('stays right when more questions come than are remembered', () => {
    const wrong = [];
    for (let i = 0; i < 20_000; i++) {
      const tags = i % 2 === 0 ? [] : ['foo'];
      const { verdict } = engine.evaluateKeyed(`many ${i}`, () => stepOf({ tags, timeoutMs: i >> 6 }));
      if (verdict !== (i % 2 === 0 ? 'allow' : 'deny')) wrong.push(i);
    }
    expect(wrong).toEqual([]);
  });
});

describe('an explanation', () => {
  const packs = BUNDLE.manifest.packs.map(({ name }) => name);

  test('has a verdict of every pack, by name', () => {
    const said = engine.explain(stepOf({ tags: ['high-risk'], environment: 'prod', runner: 'mainframe' }));
    expect(said.map(({ pack }) => pack)).toEqual(packs.toSorted());
    const loud = said.filter(({ verdict }) => verdict !== 'allow');
    expect(loud).toMatchObject([
      {
        pack: 'approvals',
        verdict: 'ask',
        reasons: [expect.stringMatching('approvals/protected')],
        obligations: [
          { type: 'approvals', value: 1 },
          { type: 'approver-is-not-actor', value: true },
          { type: 'approver-is-not-author', value: true },
        ],
      },
      { pack: 'base', verdict: 'deny', reasons: [expect.stringMatching('base/unknown-runner')], obligations: [] },
    ]);
  });

  test('agrees with the decision', () => {
    for (const input of [
      RUN,
      stepOf({ environment: 'prod' }),
      forkOf({ secrets: ['A'] }),
      actionOf('run'),
      promotionOf({}),
    ]) {
      const { verdict, reasons } = engine.evaluate(input);
      const said = engine.explain(input).filter((one) => one.verdict === verdict);
      expect(said.flatMap((one) => one.reasons).toSorted()).toEqual(reasons);
    }
  });

  test.each([
    ['is nested too deeply', { phase: 'run', step: JSON.parse('['.repeat(300) + ']'.repeat(300)) as Json }],
    ['is too large', { phase: 'run', step: 'x'.repeat(INPUT_BYTES_MAX) }],
  ])('of a question that %s is a denial by Maestro itself', (_, input) => {
    const [only, ...others] = engine.explain(input as unknown as PolicyInput);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ pack: 'engine', verdict: 'deny', obligations: [] });
  });
});

describe('a hostile question', () => {
  const nested = (depth: number): JsonObject => {
    let value: JsonObject = {};
    for (let i = 0; i < depth; i++) value = { a: value };
    return value;
  };

  test('that is too large is denied', () => {
    const decision = engine.evaluate(stepOf({ with: { run: 'x'.repeat(INPUT_BYTES_MAX) } }));
    expect([decision.verdict, rulesOf(decision.reasons)]).toEqual(['deny', ['engine/evaluation-error']]);
  });

  test('that is just small enough is answered', () => {
    const script = 'é"'.repeat((INPUT_BYTES_MAX - 2000) / 4);
    expect(engine.evaluate(stepOf({ with: { run: script } })).verdict).toBe('allow');
  });

  test('of many small values is answered', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => i);
    expect(engine.evaluate(stepOf({ with: { many } })).verdict).toBe('allow');
  });

  test('that is nested as deeply as allowed is answered', () => {
    // The question itself and its step are the first two levels; `with` is the third.
    expect(engine.evaluate(stepOf({ with: nested(INPUT_DEPTH_MAX - 3) })).verdict).toBe('allow');
    expect(engine.evaluate(stepOf({ with: nested(INPUT_DEPTH_MAX - 3), tags: ['foo'] })).verdict).toBe('deny');
  });

  test.each([INPUT_DEPTH_MAX - 2, 100_000])('that is nested %i deep is denied', (depth) => {
    const decision = engine.evaluate(stepOf({ with: nested(depth) }));
    expect([decision.verdict, rulesOf(decision.reasons)]).toEqual(['deny', ['engine/evaluation-error']]);
  });

  test.each([
    ['a lone surrogate', { run: '\ud800' }],
    ['a number that JSON lacks', { run: Number.NaN }],
  ])('with %s is denied', (_, value) => {
    expect(rulesOf(engine.evaluate(stepOf({ with: value })).reasons)).toEqual(['engine/evaluation-error']);
  });

  test('cannot flood or steer what is printed', () => {
    const tags = Array.from({ length: 1000 }, (_, i) => `\u001b[2J\u202e${i}${'x'.repeat(600)}`);
    const { reasons } = engine.evaluate(stepOf({ tags }));
    expect(reasons.join('').length).toBeLessThan(REASONS_CHARS_MAX + 100);
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.at(-1)).toBe(`engine/more: and ${101 - reasons.length + 1} more reasons`);
    const many = Array.from({ length: 1000 }, (_, i) => `t${i}`);
    expect(engine.evaluate(stepOf({ tags: many })).reasons).toHaveLength(REASONS_MAX + 1);
    for (const reason of reasons) {
      expect(reason).toMatch(/^[\x20-\x7e]*$/);
      expect(reason.length).toBeLessThan(1000);
    }
  });

  test('leaves the next question unharmed', () => {
    engine.evaluate(stepOf({ with: nested(100_000) }));
    expect(engine.evaluate(stepOf({ with: { after: 'hostile' } })).verdict).toBe('allow');
  });
});

test('names in obligations are shown as in reasons', async () => {
  const wanted = await withData({ environments: { prod: { checks: 'all' } } });
  const checks = [{ name: `\u202e${'x'.repeat(2000)}`, conclusion: null }];
  const { obligations } = wanted.evaluate(promotionOf({ checks }));
  expect(obligations).toEqual([{ type: 'hold', value: expect.stringMatching(/^promotion\/checks: [\x20-\x7e]*$/) }]);
  expect(String(obligations[0]?.value).length).toBeLessThan(600);
});

test.each([
  ['bytes that are no module', { wasm: new Uint8Array([1, 2, 3]) }],
  [
    'an entrypoint for explanations that the module lacks',
    { manifest: { ...BUNDLE.manifest, explain: 'maestro/other' } },
  ],
  ['an entrypoint that the module lacks', { manifest: { ...BUNDLE.manifest, entrypoint: 'maestro/other' } }],
])('a bundle with %s is refused', async (_, change) => {
  await expect(openPolicy({ ...BUNDLE, ...change })).rejects.toSatisfy((e) => isMaestroError(e, 'POLICY_INVALID'));
});
