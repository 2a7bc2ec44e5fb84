import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../../src/base/canonical-json.ts';
import { digestBytes } from '../../../../src/base/digest.ts';
import { openPolicy, type PolicyEngine } from '../../../../src/policy/evaluate.ts';
import type { PolicyInput } from '../../../../src/policy/input.ts';
import { type OwnRules, ownRules } from '../../../../src/policy/own/own-rules.ts';
import { describeWith } from '../../../real-parts.ts';
import { BUNDLE, RUN, stepOf } from '../fixture.ts';
import { buildBundle, DATA, RULES } from './build-bundle.ts';
import { OwnWorld } from './own-world.ts';
import { entriesOf } from './tar.ts';

const open = (own?: OwnRules): Promise<PolicyEngine> => openPolicy({ ...BUNDLE, own });

/** Rules that are as good as their cases, until a step is called so. */
const onTask = (body: string): string => `package maestro.own
decision := {"deny": deny}
deny contains "no-http: x" if input.step.uses == "http"
deny contains "never" if {
	input.step.uses == "task"
	${body}
}`;
const LOOP = onTask(`some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	a + b + c == 12345678`);
const HOARD = onTask(`count([t | some i in numbers.range(1, 90000000); t := sprintf("%d", [i])]) < 0`);
const BACKTRACK = onTask('count(regex.split("(a+)+b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac")) < 0');

describeWith('opa', 'own rules beside ours', (opa) => {
  test('narrow what ours allow, are part of the digest of the pack, and are explained', async () => {
    await using world = new OwnWorld();
    const plain = await open();
    const engine = await open(
      ownRules([await world.load(buildBundle(), 'zeta'), await world.load(buildBundle(), 'acme')]),
    );
    const http = stepOf({ uses: 'http', egress: ['npm.example.com'], with: { url: 'https://npm.example.com/' } });
    expect(plain.evaluate(http).verdict).toBe('allow');
    expect(engine.evaluate(http)).toMatchObject({
      verdict: 'deny',
      reasons: [
        'own/acme/no-http: acme reaches the network through its own task',
        'own/zeta/no-http: acme reaches the network through its own task',
      ],
    });
    expect(engine.evaluate(RUN).verdict).toBe('allow');
    expect(engine.evaluate({ ...RUN, pipeline: { ...RUN.pipeline, steps: 101 } })).toMatchObject({ verdict: 'ask' });
    expect(engine.packDigest).not.toBe(plain.packDigest);
    expect(engine.explain(http).map(({ pack, verdict }) => [pack, verdict])).toEqual([
      ...plain.explain(http).map(({ pack, verdict }) => [pack, verdict]),
      ['own/acme', 'deny'],
      ['own/zeta', 'deny'],
    ]);
  });

  test('are covered by the digest of the pack as the guide says', async () => {
    await using world = new OwnWorld();
    const own = ownRules([await world.load(buildBundle())]);
    const { packDigest, data } = await open(own);
    const [{ name, digest } = { name: '', digest: '' }] = own.bundles;
    const covered = [BUNDLE.wasm, Buffer.from(canonicalJson(data)), Buffer.from(`\n${name} ${digest}`)];
    expect(packDigest).toBe(digestBytes(Buffer.concat(covered)));
    const parts = entriesOf(buildBundle()).filter((entry) => ['/policy.wasm', '/data.json'].includes(entry.name));
    const ordered = parts.toSorted((a, b) => b.name.localeCompare(a.name)).map((entry) => Buffer.from(entry.content));
    expect(digest).toBe(digestBytes(Buffer.concat(ordered)));
  });

  test('that are none leave the digest of the pack as it is', async () => {
    expect((await open(ownRules([]))).packDigest).toBe((await open()).packDigest);
  });

  test.each([
    ['loop', LOOP],
    ['hoard memory', HOARD],
    ['backtrack', BACKTRACK],
  ])('that %s are stopped, which denies and is not remembered, and answer the next question', async (_, rules) => {
    await using world = new OwnWorld();
    const engine = await open(ownRules([await world.load(buildBundle({ rules }))]));
    const question = stepOf({ uses: 'task' });
    const before = performance.now();
    const first = engine.evaluateKeyed('k', () => question);
    expect(performance.now() - before).toBeLessThan(5000);
    expect(first).toMatchObject({
      verdict: 'deny',
      reasons: [expect.stringMatching(/^engine\/own-rules: own\/acme gave no answer: /)],
    });
    expect(engine.evaluateKeyed('k', () => question)).not.toBe(first);
    expect(engine.evaluate(stepOf({ uses: 'http' })).reasons).toEqual(['own/acme/no-http: x']);
    expect(engine.evaluate(stepOf({ uses: 'shell' })).verdict).toBe('allow');
  });

  test('that are stopped again and again are not asked for a while, so that the process has time for others', async () => {
    await using world = new OwnWorld();
    const engine = await open(ownRules([await world.load(buildBundle({ rules: LOOP }))]));
    const reasons = Array.from(
      { length: 12 },
      (_, timeoutMs) => engine.evaluate(stepOf({ uses: 'task', timeoutMs })).reasons[0],
    );
    expect(reasons[0]).toContain('and were stopped');
    expect(reasons.at(-1)).toContain('not asked for a while');
  });

  test('deny a question that is larger than they can be given, as ours do', async () => {
    await using world = new OwnWorld();
    const own = ownRules([await world.load(buildBundle())]);
    const [answer] = own.ask(new Uint8Array(1_048_577));
    expect(answer).toMatchObject({ failure: 'the question is too large' });
    expect(own.ask(new TextEncoder().encode('{}'))).toMatchObject([{ failure: null, deny: [] }]);
  });

  test('answer a question of one megabyte', async () => {
    await using world = new OwnWorld();
    const own = ownRules([await world.load(buildBundle())]);
    const text = JSON.stringify({ pipeline: { steps: 101 }, step: { with: { x: 'y'.repeat(1_000_000) } } });
    expect(own.ask(new TextEncoder().encode(text))).toMatchObject([
      { failure: null, ask: [expect.stringMatching(/^many-steps/)] },
    ]);
  });

  test('that were closed still answer whoever began under them', async () => {
    await using world = new OwnWorld();
    const bundle = await world.load(buildBundle());
    await bundle.thread.close();
    const ask = () => ownRules([bundle]).ask(new TextEncoder().encode(JSON.stringify(stepOf({ uses: 'http' }))));
    expect(ask()).toMatchObject([{ deny: [expect.stringMatching(/^no-http/)] }]);
    expect(ask()).toMatchObject([{ deny: [expect.stringMatching(/^no-http/)] }]);
  });

  test('give the answer that stock opa gives to the same question', async () => {
    await using world = new OwnWorld();
    const own = ownRules([await world.load(buildBundle())]);
    writeFileSync(join(world.root, 'rules.rego'), RULES);
    writeFileSync(join(world.root, 'data.json'), JSON.stringify(DATA));
    const questions: readonly PolicyInput[] = [
      RUN,
      { ...RUN, pipeline: { ...RUN.pipeline, steps: 101 } },
      stepOf({ uses: 'http', egress: ['a', 'npm.example.com', 'b'] }),
    ];
    for (const question of questions) {
      writeFileSync(join(world.root, 'input.json'), JSON.stringify(question));
      const args = ['eval', '--format', 'raw', '--data', 'rules.rego', '--data', 'data.json', '--input', 'input.json'];
      const stock = spawnSync(opa, [...args, 'data.maestro.own.decision'], { cwd: world.root, encoding: 'utf8' });
      const [answer] = own.ask(new TextEncoder().encode(JSON.stringify(question)));
      const { deny, ask, oblige } = answer ?? {};
      expect([stock.stderr, { deny, ask, oblige }]).toEqual(['', JSON.parse(stock.stdout)]);
    }
  });
});
