import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PolicyDesk } from '../../../src/cli/context.ts';
import type { ExplainView, Explanation } from '../../../src/protocol/explain.ts';
import { describeWith } from '../../real-parts.ts';
import { ACME, buildBundle, CASES, RULES } from '../policy/own/build-bundle.ts';
import { FakeProcess, oneStep, project, started } from './harness.ts';

const CLI = resolve(import.meta.dirname, '../../../app/cli.ts');
const OLD = `sha256:${'a'.repeat(64)}` as const;
const NEW = `sha256:${'c'.repeat(64)}` as const;

const ASKED: ExplainView = {
  step: 'deploy\u001b[31m',
  phase: 'step',
  decision: { verdict: 'ask', reasons: ['approvals/protected: why'], packDigest: OLD, inputDigest: NEW },
  packs: [
    { pack: 'base', verdict: 'allow', reasons: [], obligations: [] },
    {
      pack: 'approvals',
      verdict: 'ask',
      reasons: ['approvals/protected: why'],
      obligations: [{ type: 'approvals', value: 2 }],
    },
    { pack: 'budget', verdict: 'allow', reasons: [], obligations: [] },
    { pack: 'own/acme', verdict: 'deny', reasons: ['own/acme/no-http: \u001b]0;x'], obligations: [] },
  ],
  packDigest: OLD,
  input: { phase: 'step' },
};
const BEFORE: ExplainView = { ...ASKED, step: null, phase: 'run', packDigest: NEW, packs: ASKED.packs.slice(0, 1) };

class Desk implements PolicyDesk {
  readonly steps: (string | undefined)[] = [];
  isClosed = false;
  explanation: Explanation = { asked: [ASKED], more: 0 };
  test = () => [
    { name: 'a', problem: null, verdict: 'allow' as const, reasons: [], obligations: [] },
    {
      name: 'b\u001b[2J',
      problem: 'expected deny, got allow (no reason)',
      verdict: 'allow' as const,
      reasons: [],
      obligations: [],
    },
  ];

  explain(_request: unknown, step?: string): Explanation {
    this.steps.push(step);
    return this.explanation;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

describe('maestro policy', () => {
  it.each([
    [[], 'policy expects test|explain'],
    [['tset'], "or `maestro policy explain`, got 'tset'"],
    [['test', 'a', 'b'], "got 'b' too"],
    [['explain'], 'expected RUN, or --pipeline NAME'],
    [['explain', '--pipeline', 'ci', 'a', 'b'], "got 'b' too"],
    [['test', 'ci.yaml', '--bundles', 'x'], 'expected --bundles DIR and --keys DIR together'],
  ])('refuses %j', async (words, why) => {
    const process = new FakeProcess({ cwd: project({ 'ci.yaml': '' }), desk: new Desk() });
    expect(await process.run('policy', ...words)).toBe(2);
    expect(process.err).toContain(why);
  });

  it('shows each pack that has something to say, and names the others', async () => {
    const client = oneStep([]);
    client.explanation = { asked: [ASKED, BEFORE], more: 3 };
    const process = started(client);
    expect(await process.run('policy', 'explain', 'latest', 'build')).toBe(0);
    expect(client.asked[0]).toEqual(['explain', 'build']);
    expect(process.out.split('\n')).toEqual([
      expect.stringMatching(/^deploy.*: ask {2}policy sha256:a{12} {2}question sha256:c{12}$/),
      '  deny own/acme',
      expect.stringMatching(/^ {6}own\/acme\/no-http: /),
      '  ask approvals',
      '      approvals/protected: why',
      '      obliges to approvals=2',
      '  allow base, budget',
      '',
      expect.stringMatching(/^the run: ask /),
      expect.stringMatching(
        /the rules have changed since; then: approvals\/protected: why; by those of today \(policy sha256:cccc/,
      ),
      '  allow base',
      '',
      'and 3 more: name a step to see it',
      '',
    ]);
    expect(process.out).not.toContain('\u001b');
  });

  it('says so where policy was not asked yet', async () => {
    const process = started(oneStep([]));
    expect(await process.run('policy', 'explain', 'latest')).toBe(0);
    expect(process.out).toBe('policy was not asked about this yet\n');
  });

  it('gives programs the whole explanation', async () => {
    const client = oneStep([]);
    client.explanation = { asked: [BEFORE], more: 0 };
    const process = started(client);
    expect(await process.run('policy', 'explain', 'latest', '--json')).toBe(0);
    expect(JSON.parse(process.out)).toEqual(client.explanation);
  });

  it('explains a pipeline that does not run yet, beside own rules where their folders are named', async () => {
    const desk = new Desk();
    const process = new FakeProcess({ cwd: project(), desk });
    expect(await process.run('policy', 'explain', '--pipeline', 'ci', 'build', '--bundles', 'b', '--keys', '/k')).toBe(
      0,
    );
    expect([desk.steps, desk.isClosed]).toEqual([['build'], true]);
    expect(process.desks).toEqual([{ bundles: expect.stringMatching(/\/b$/), keys: '/k' }]);
  });

  it('shows cases that failed, exits with 1, and gives programs all of them', async () => {
    const desk = new Desk();
    const process = new FakeProcess({ cwd: project({ '.maestro/policy-cases.yaml': '' }), desk });
    expect(await process.run('policy', 'test')).toBe(1);
    expect(process.out).toMatch(
      /^failed: b.*\n {2}expected deny, got allow \(no reason\)\n\n2 cases tried, 1 failed\n$/,
    );
    expect(process.out).not.toContain('\u001b');
    const program = new FakeProcess({ cwd: project({ 'my.yaml': '' }), desk });
    expect(await program.run('policy', 'test', 'my.yaml', '--json')).toBe(1);
    expect(JSON.parse(program.out)).toEqual(desk.test());
  });

  it('refuses a file of cases that is not there', async () => {
    const process = new FakeProcess({ cwd: project(), desk: new Desk() });
    expect(await process.run('policy', 'test')).toBe(2);
    expect(process.err).toContain('.maestro/policy-cases.yaml does not exist');
  });
});

describe('the policy of a real project', () => {
  const cases = (verdict: string) => `cases:
  - { name: chaos is held, input: { step: { tags: [chaos] } }, verdict: ask, rule: base/tag-asks }
  - { name: plain work, input: {}, verdict: ${verdict} }
`;
  const PROJECT = {
    '.maestro/policy.yaml': 'tags: { chaos: { verdict: ask } }\n',
    '.maestro/policy-cases.yaml': cases('allow'),
    '.maestro/ci.yaml':
      'name: chaos-ci\nkind: ci\nsteps: [{ id: a, run: "true" }, { id: b, run: "true", tags: [chaos] }]\n',
  };
  const maestro = (root: string, ...words: string[]) =>
    spawnSync('node', [CLI, ...words], { encoding: 'utf8', cwd: root });

  it('is tried with its cases, which are no pipeline', () => {
    const root = project(PROJECT);
    expect(maestro(root, 'policy', 'test')).toMatchObject({
      status: 0,
      stdout: 'ok: 2 cases tried, all as expected\n',
    });
    writeFileSync(join(root, '.maestro/policy-cases.yaml'), cases('deny'));
    const failed = maestro(root, 'policy', 'test');
    expect([failed.status, failed.stdout]).toEqual([
      1,
      'failed: plain work\n  expected deny, got allow (no reason)\n\n2 cases tried, 1 failed\n',
    ]);
    writeFileSync(join(root, '.maestro/policy-cases.yaml'), cases('never'));
    const broken = maestro(root, 'policy', 'test');
    expect([broken.status, broken.stderr]).toEqual([
      2,
      expect.stringContaining('policy-cases.yaml:3:36: expected one of'),
    ]);
    expect(maestro(root, 'lint').stdout).toBe('ok: 1 pipeline checked, nothing to say\n');
  });

  it('explains a pipeline before it runs', () => {
    const { status, stdout } = maestro(project(PROJECT), 'policy', 'explain', '--pipeline', 'ci', 'b', '--json');
    const { asked } = JSON.parse(stdout) as Explanation;
    expect([status, asked.map(({ step, decision }) => [step, decision.verdict])]).toEqual([0, [['b', 'ask']]]);
    expect(asked[0]?.packs.length).toBeGreaterThan(10);
  });

  it('explains a run', () => {
    const root = project(PROJECT);
    expect(maestro(root, 'run', 'ci').status).toBe(4);
    const { status, stdout } = maestro(root, 'policy', 'explain', 'latest', 'b');
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^b: ask .*\n {2}ask base\n {6}base\/tag-asks: .*chaos/),
    ]);
  });
});

describeWith('opa', 'own rules on a laptop', () => {
  it('are loaded as a server loads them, and asked beside the project’s policy', () => {
    const root = project({
      '.maestro/policy-cases.yaml':
        'cases: [{ name: x, input: { step: { uses: task } }, verdict: deny, rule: own/acme/no-task }]\n',
    });
    const rules = `${RULES}\ndeny contains "no-task: x" if input.step.uses == "task"\n`;
    for (const folder of ['bundles', 'keys']) mkdirSync(join(root, folder));
    writeFileSync(join(root, 'keys/acme.pem'), ACME.publicKey);
    const test = (cases: readonly object[]) => {
      writeFileSync(join(root, 'bundles/acme.tar.gz'), buildBundle({ rules, cases }));
      const words = [CLI, 'policy', 'test', '--bundles', 'bundles', '--keys', 'keys'];
      return spawnSync('node', words, { encoding: 'utf8', cwd: root });
    };
    expect(test(CASES)).toMatchObject({ status: 0, stdout: 'ok: 1 case tried, all as expected\n' });
    const refused = test([{ ...CASES[1], verdict: 'allow' }]);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('case "http is refused": expected allow'),
    ]);
  });
});
