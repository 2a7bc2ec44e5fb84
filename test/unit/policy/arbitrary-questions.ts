import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/base/json.ts';

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
const ENVIRONMENTS = ['staging', 'dev', 'prod', 'moon'];
const DIGESTS = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);

const facts = {
  pipeline: fc.record({
    name: fc.constant('golden'),
    kind: oneOf('ci', 'ops'),
    version: fc.constant(null),
    steps: fc.integer({ min: 1, max: 20 }),
  }),
  trigger: fc.record({
    type: oneOf('push', 'manual', 'command'),
    actor: fc.record({ provider: fc.constant('github'), id: fc.string({ unit: 'binary', maxLength: 5 }) }),
    repository: fc.string(),
    ref: orNull(oneOf('refs/heads/main', 'refs/tags/v1')),
    isFork: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  purpose: orNull(oneOf('release', 'test', 'build', 'fun')),
  authority: orNull(oneOf('board', 'me')),
  licence: orNull(oneOf('MIT', 'AGPL-3.0-only')),
  autonomy: orNull(oneOf('L0', 'L1', 'L3', 'L4', 'L9')),
  budget: fc.record({ microUsd: amount, tokens: amount, minutes: amount }),
};
const step = fc.record({
  kind: fc.constantFrom('work', 'work', 'gate', 'wait'),
  uses: oneOf('shell', 'approval', 'gate.promote', 'gate.freeze@1.0.0', 'llm.plan', 'registry.push', 'security.scan'),
  code: fc.constant({ uri: 'maestro:shell', digest: null }),
  runner: oneOf('linux', 'linux', 'gpu', 'mainframe'),
  tags: some('pii', 'test', 'high-risk', 'deploy', 'forbidden'),
  egress: some('api.example.com', 'API.example.com', 'a.npmjs.org', 'npmjs.org', '*', '*.npmjs.org', 'a b'),
  secrets: some('TOKEN', 'TOKEN', 'OTHER'),
  environment: orNull(oneOf(...ENVIRONMENTS)),
  gatedBy: some('prod'),
  isIdempotent: fc.boolean(),
  timeoutMs: fc.nat(),
  with: fc.oneof(
    fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<Json>),
    fc.record(
      {
        approvals: oneOf(1, 2, 1.5, 'two'),
        from: oneOf(['grace'], ['acme/release', 'role:approver'], 'grace', [1]),
        'not-author': oneOf(true, false, 'yes'),
        model: oneOf('gpt-4o', 'other'),
        threshold: oneOf('high', 'low'),
        sbom: oneOf('sbom.json'),
      },
      { requiredKeys: [] },
    ),
  ) as fc.Arbitrary<Json>,
});
const person = fc.record({
  provider: oneOf('github', 'local'),
  account: fc.constant('77'),
  login: oneOf('Grace', 'grace', 'ada'),
  permission: fc.constantFrom('none', 'read', 'triage', 'write', 'maintain', 'admin'),
  teams: some('acme/release', 'Acme/Other'),
  isApp: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const at = fc.constant('2026-11-27T15:30:00Z');

const DAY_MS = 86_400_000;
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Any minute of a century, its weekday included: the packs reckon with days themselves. */
const clock = fc
  .record({ day: fc.integer({ min: 0, max: 36_524 }), minute: fc.integer({ min: 0, max: 1439 }) })
  .map(({ day, minute }) => {
    const date = new Date(Date.UTC(2000, 0, 1) + day * DAY_MS + minute * 60_000);
    const [text = '', time = ''] = date.toISOString().slice(0, 16).split('T');
    return { date: text, time, weekday: WEEKDAYS[date.getUTCDay()] ?? '' };
  });
const promotion = fc.record({
  environment: oneOf('prod', 'staging', 'moon'),
  at,
  clocks: fc.oneof(
    { weight: 9, arbitrary: fc.record({ 'Europe/Paris': clock }) },
    { weight: 1, arbitrary: fc.constant({}) },
  ) as fc.Arbitrary<Json>,
  artifacts: fc.subarray(DIGESTS),
  commit: orNull(fc.constant('1f2e3d')),
  isRollback: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  deployments: fc.array(
    fc.record({
      environment: oneOf('staging', 'dev'),
      ageSeconds: fc.integer({ min: -3, max: 9 }),
      isVerified: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  checks: orNull(
    fc.array(
      fc.record({
        name: oneOf('ci', 'lint', 'zeta', 'a', 'm1', 'x9'),
        conclusion: orNull(oneOf('success', 'skipped', 'failure')),
      }),
      {
        maxLength: 6,
      },
    ) as fc.Arbitrary<Json>,
  ),
});

const isolation = fc.record({ isolation: fc.constantFrom('none', 'process', 'user', 'container', null) });
const action = fc.record({
  name: oneOf('run', 'status', 'logs', 'approve', 'help', 'ok-to-test', 'destroy'),
  isPublic: fc.boolean(),
  person,
});
const approval = fc.record({
  decision: fc.constantFrom('approve', 'deny'),
  person,
  isActor: fc.boolean(),
  isAuthor: fc.boolean(),
  at,
});

/** Questions of every phase, of the published shape. */
export const wellFormedQuestions: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ phase: fc.constant('run'), ...facts, step: fc.constant(null) }) },
  { weight: 3, arbitrary: fc.record({ phase: fc.constant('step'), ...facts, step }) },
  fc.record({ phase: fc.constant('secret'), ...facts, step, secret: isolation }),
  fc.record({ phase: fc.constant('action'), step: fc.constant(null), action }),
  fc.record({ phase: fc.constant('action'), ...facts, step: fc.constant(null), action }),
  fc.record({ phase: fc.constant('approval'), ...facts, step: fc.oneof(fc.constant(null), step), approval }),
  fc.record({ phase: fc.constant('promotion'), ...facts, step, promotion }),
);

/** A question of which one field, at any depth, is lost or replaced. */
export const damagedQuestions: fc.Arbitrary<Json> = fc
  .tuple(wellFormedQuestions, fc.nat(), fc.option(fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>))
  .map(([question, place, value]) => damage(question, place, value));

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
