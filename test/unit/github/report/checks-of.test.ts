import * as fc from 'fast-check';
import markdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { sortAnnotations } from '../../../../src/github/report/annotations.ts';
import { type CheckOptions, checksOf } from '../../../../src/github/report/checks-of.ts';
import type { Annotation } from '../../../../src/protocol/outcome.ts';
import type { RunStatus } from '../../../../src/protocol/run.ts';
import { DIGEST, placeOf, planOf, runView, stepView } from './views.ts';

const OPTIONS: CheckOptions = {
  publicUrl: 'https://maestro.example.com',
  jobs: [],
  standing: [],
  logTails: new Map(),
  isSuperseded: false,
};
const HOSTILE = '@octo/admins <details>|x|\n| forged | row |\n![](https://evil.test/a.png) #12 \u202e```\u001b[31m';

function remark(message: string, title = ''): Annotation {
  return { level: 'failure', message, title };
}

const markdown = markdownIt({ html: true, linkify: true });

function shapeOf(source: string) {
  const tokens = markdown.parse(source, {});
  const kinds = tokens.flatMap((token) => [token.type, ...(token.children ?? []).map((child) => child.type)]);
  return {
    rows: kinds.filter((kind) => kind === 'tr_open').length,
    links: kinds.filter((kind) => kind === 'link_open').length,
    foreign: kinds.filter((kind) => /html|image|heading|blockquote/.test(kind)),
  };
}

describe('checksOf', () => {
  it.each<[RunStatus, string, string | null]>([
    ['queued', 'queued', null],
    ['running', 'in_progress', null],
    ['cancelling', 'in_progress', null],
    ['succeeded', 'completed', 'success'],
    ['failed', 'completed', 'failure'],
    ['cancelled', 'completed', 'cancelled'],
    ['rejected', 'completed', 'failure'],
  ])('tells a run that is %s as %s, %s', (status, expected, conclusion) => {
    const view = runView('r1', { status, ...(status === 'cancelling' ? { finishedAt: null, receipt: null } : {}) });
    expect(checksOf(view, planOf(), placeOf('r1'), OPTIONS)).toMatchObject([{ status: expected, conclusion }]);
  });

  it('asks for consent with buttons where policy does', () => {
    const decision = { verdict: 'ask', reasons: ['release.window'], packDigest: DIGEST, inputDigest: DIGEST } as const;
    const [check] = checksOf(
      runView('r1', { status: 'queued', startedAt: null, decision, isConsentWanted: true }),
      planOf(),
      placeOf('r1'),
      OPTIONS,
    );
    expect(check).toMatchObject({ status: 'completed', conclusion: 'action_required' });
    expect(check?.actions.map((one) => one.identifier)).toEqual(['approve', 'deny', 'cancel']);
  });

  it('asks nobody any more where consent was given and the run waits for its turn', () => {
    const decision = { verdict: 'ask', reasons: ['release.window'], packDigest: DIGEST, inputDigest: DIGEST } as const;
    const view = runView('r1', { status: 'queued', startedAt: null, decision, isConsentWanted: false });
    expect(checksOf(view, planOf(), placeOf('r1'), OPTIONS)).toMatchObject([
      { status: 'queued', conclusion: null, title: 'Queued', actions: [], asks: [] },
    ]);
  });

  it('names what it asks people for, so that a change of it is told at once', () => {
    const hold = { kind: 'gate', reason: '', dueAt: null } as const;
    const steps = [stepView('lint'), stepView('deploy', { status: 'held', hold })];
    const asks = (change: Parameters<typeof runView>[1]) =>
      checksOf(runView('r1', change), planOf(), placeOf('r1'), OPTIONS)[0]?.asks;
    expect(asks({ steps })).toEqual(['deploy']);
    expect(asks({ status: 'queued', isConsentWanted: true })).toEqual(['consent']);
    expect(asks({ status: 'cancelled', steps })).toEqual([]);
  });

  describe('of a run that a newer one of the same commit speaks for', () => {
    const hold = { kind: 'gate', reason: '', dueAt: null } as const;
    const steps = [
      stepView('test', { status: 'failed' }),
      stepView('deploy', { kind: 'gate', status: 'held', hold }),
      stepView('notify', { kind: 'gate' }),
    ];
    const names = (status: RunStatus) =>
      checksOf(runView('r1', { status, steps }), planOf(), placeOf('r1'), {
        ...OPTIONS,
        isSuperseded: true,
        standing: ['notify', 'test'],
      }).map((check) => [check.externalId, check.conclusion]);

    it('tell whom it waits for and what was answered as long as it goes on, and no failures of single steps', () => {
      expect(names('running')).toEqual([
        ['r1', null],
        ['r1/deploy', 'action_required'],
        ['r1/notify', 'success'],
      ]);
    });

    it('tell nothing but its verdict when it has ended', () => {
      expect(names('failed')).toEqual([['r1', 'failure']]);
    });
  });

  it('leads to the jobs where the server has no address that people reach', () => {
    const jobs = [4, 3, 2, 1].map((id) => `https://github.com/octo/app/actions/runs/${id}`);
    const view = runView('r1', { steps: [stepView('a', { status: 'failed' })] });
    const found = checksOf(view, planOf(), placeOf('r1'), { ...OPTIONS, publicUrl: null, jobs });
    expect(found.map((check) => check.detailsUrl)).toEqual([jobs[0], jobs[0]]);
    expect(shapeOf(found[0]?.summary ?? '')).toMatchObject({ links: 3 });
    expect(found[0]?.summary).toContain(`[job](${jobs[0]}) · [earlier job](${jobs[1]}) · [earlier job](${jobs[2]})`);
    const [own] = checksOf(view, planOf(), placeOf('r1'), { ...OPTIONS, jobs });
    expect(own?.detailsUrl).toBe('https://maestro.example.com/runs/r1');
  });

  it('shows steps as a table and a graph, with a link where there is an address', () => {
    const steps = [stepView('lint'), stepView('test[22,linux]', { needs: ['lint'], attempts: 2 })];
    const [check] = checksOf(
      runView('r1', { steps }),
      planOf({ budget: { microUsd: 250_000 } }),
      placeOf('r1'),
      OPTIONS,
    );
    expect(check?.summary).toContain('s0 --> s1');
    expect(check?.summary).toContain('cost at most $0.25');
    expect(shapeOf(check?.summary ?? '')).toMatchObject({ rows: 3, links: 1 });
    const [bare] = checksOf(runView('r1', { steps }), planOf(), placeOf('r1'), { ...OPTIONS, publicUrl: null });
    expect(bare).toMatchObject({ detailsUrl: null });
    expect(shapeOf(bare?.summary ?? '')).toMatchObject({ links: 0 });
  });

  it('lets no text of a step, a policy or a person forge a row, a link or a mention', () => {
    const decision = { verdict: 'deny', reasons: [HOSTILE], packDigest: DIGEST, inputDigest: DIGEST } as const;
    const steps = [
      stepView('a', {
        status: 'failed',
        reason: HOSTILE,
        decision,
        annotations: [{ level: 'failure', message: HOSTILE, title: HOSTILE }],
      }),
      stepView(`b${HOSTILE}`, { needs: ['a'], status: 'held', hold: { kind: 'gate', reason: HOSTILE, dueAt: null } }),
    ];
    const logTails = new Map([['a', HOSTILE]]);
    const checks = checksOf(runView('r1', { reason: HOSTILE, decision, steps }), planOf(), placeOf('r1'), {
      ...OPTIONS,
      logTails,
    });
    expect(checks).toHaveLength(3);
    expect(shapeOf(checks[0]?.summary ?? '')).toEqual({ rows: 3, links: 1, foreign: [] });
    for (const check of checks.slice(1)) {
      expect(shapeOf(check.summary)).toEqual({ rows: 0, links: 0, foreign: [] });
      expect(check.title).not.toMatch(/[\n\u202e]|(?!\n)\p{Cc}/u);
    }
    const outsideOfFences = checks
      .map((check) => check.summary.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, ''))
      .join('\n');
    expect(outsideOfFences).not.toMatch(/@octo|#12|\u202e|(?!\n)\p{Cc}/u);
  });

  it('stays within the limits of GitHub for a pipeline of 5,000 steps with long names', () => {
    const steps = Array.from({ length: 5000 }, (_, index) =>
      stepView(`${'é|'.repeat(100)}${index}`, { status: 'failed', reason: '<'.repeat(5000) }),
    );
    const checks = checksOf(runView('r1', { status: 'failed', steps }), planOf(), placeOf('r1'), OPTIONS);
    expect(checks.length).toBeLessThan(25);
    for (const check of checks) {
      expect(Buffer.byteLength(check.summary)).toBeLessThan(65_535);
      expect(check.title.length).toBeLessThanOrEqual(255);
    }
    expect(checks[0]?.summary).toMatch(/and \d+ more steps/);
    expect(checks[0]?.summary).not.toContain('mermaid');
  });

  it('leaves out remarks, and not the end of the log, where a failure has more to say than GitHub takes', () => {
    const annotations = Array.from({ length: 30 }, (_, index) =>
      remark(`no. ${index} ${'`'.repeat(290)}`, 'é|'.repeat(100)),
    );
    const steps = [stepView('a', { status: 'failed', reason: '<'.repeat(5000), annotations })];
    const logTails = new Map([['a', `${'日'.repeat(20_000)} the error`]]);
    const [, check] = checksOf(runView('r1', { status: 'failed', steps }), planOf(), placeOf('r1'), {
      ...OPTIONS,
      logTails,
    });
    const summary = check?.summary ?? '';
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(60_000);
    expect(summary).toContain('the error');
    const shown = summary.match(/^- failure: /gm)?.length ?? 0;
    expect(shown).toBeGreaterThan(0);
    expect(summary).toContain(`${30 - shown} more remarks are not on a line of a file.`);
  });

  it('says with remarks of no line which file they are about, and that the log has more of them', () => {
    const annotations = [
      remark('501 more annotations are in the log only'),
      ...Array.from({ length: 40 }, (_, index) => ({ ...remark(`no. ${index}`), path: 'src/a.ts' })),
    ];
    const steps = [stepView('a', { status: 'failed', annotations })];
    const [, check] = checksOf(runView('r1', { status: 'failed', steps }), planOf(), placeOf('r1'), OPTIONS);
    expect(check?.summary).toContain('501 more annotations are in the log only');
    expect(check?.summary).toContain('- failure: src/a.ts: no. 0');
  });

  it('sends the first annotations of each failed step, and a thousand more of the run, in the order of the failures', () => {
    const annotations = Array.from({ length: 1000 }, (_, index) => ({
      ...remark('m'),
      path: 'a.ts',
      startLine: index + 1,
    }));
    const failed = (id: string, minute: number) =>
      stepView(id, { status: 'failed', annotations, finishedAt: `2026-11-20T10:0${minute}:00.000Z` });
    const sent = (...steps: readonly ReturnType<typeof failed>[]) =>
      new Map(
        checksOf(runView('r1', { steps }), planOf(), placeOf('r1'), OPTIONS).map((check) => [
          check.externalId,
          [check.annotations.length, /(\d+) more annotations are not shown/.exec(check.summary)?.[1]],
        ]),
      );
    expect(sent(failed('b', 1)).get('r1/b')).toEqual([1000, undefined]);
    const all = sent(failed('a', 3), failed('b', 1), failed('c', 2));
    expect(all.get('r1/b')).toEqual([1000, undefined]);
    expect(all.get('r1/c')).toEqual([100, '900']);
    expect(all.get('r1/a')).toEqual([50, '950']);
  });

  it('keeps buttons within the limits of GitHub', () => {
    const gate = stepView('g', { kind: 'gate', status: 'held', hold: { kind: 'gate', reason: '', dueAt: null } });
    const all = [
      ...checksOf(runView('r1', { steps: [gate] }), planOf(), placeOf('r1'), OPTIONS),
      ...checksOf(runView('r2', { status: 'failed' }), planOf(), placeOf('r2'), OPTIONS),
    ].flatMap((check) => check.actions);
    expect(all.length).toBe(4);
    for (const { label, description, identifier } of all) {
      expect(label.length).toBeLessThanOrEqual(20);
      expect(description.length).toBeLessThanOrEqual(40);
      expect(identifier.length).toBeLessThanOrEqual(20);
    }
  });

  it('marks a failure that the pipeline tolerates as neutral', () => {
    const steps = [stepView('flaky', { status: 'failed' })];
    const checks = checksOf(runView('r1', { status: 'succeeded', steps }), planOf(), placeOf('r1'), OPTIONS);
    expect(checks.map((check) => check.conclusion)).toEqual(['success', 'neutral']);
  });
});

const position = fc.oneof(
  fc.integer({ min: -2, max: 20 }),
  fc.constantFrom(1.5, Number.NaN, Number.POSITIVE_INFINITY, undefined),
);
const path = fc.constantFrom(
  undefined,
  'src/a.ts',
  './src/a.ts',
  '/etc/passwd',
  '../a',
  'a/../../b',
  'a//b',
  '',
  'C:\\x',
  'src\\a.ts',
  'a\nb',
  'a\u202eb',
);
const annotation = fc.record({
  level: fc.constantFrom('notice', 'warning', 'failure'),
  message: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('x'.repeat(100_000))),
  title: fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.constant(undefined)),
  path,
  startLine: position,
  endLine: position,
  startColumn: position,
  endColumn: position,
}) as fc.Arbitrary<Annotation>;

describe('sortAnnotations', () => {
  it('shows only what GitHub takes, and loses none', () => {
    fc.assert(
      fc.property(fc.array(annotation, { maxLength: 10 }), (annotations) => {
        const { shown, loose, omitted } = sortAnnotations(annotations);
        expect(shown.length + loose.length + omitted).toBe(annotations.length);
        for (const { path, startLine = 0, endLine = 0, startColumn, endColumn, message, title } of shown) {
          expect(path).toMatch(/^src\/a\.ts$/);
          expect(startLine).toBeGreaterThanOrEqual(1);
          expect(endLine).toBeGreaterThanOrEqual(startLine);
          const hasColumns = startColumn !== undefined || endColumn !== undefined;
          expect(hasColumns && startLine !== endLine).toBe(false);
          expect(endColumn === undefined || (startColumn !== undefined && endColumn >= startColumn)).toBe(true);
          expect(message.length).toBeGreaterThan(0);
          expect(Buffer.byteLength(message)).toBeLessThanOrEqual(65_536);
          expect(title?.length ?? 0).toBeLessThanOrEqual(255);
        }
      }),
    );
  });
});
