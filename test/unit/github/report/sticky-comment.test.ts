import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMENT_MARKER, stickyComment } from '../../../../src/github/report/sticky-comment.ts';
import type { CheckSpec } from '../../../../src/protocol/check.ts';
import { checkSpec } from '../../../fakes/checks.ts';
import { Reporting } from './reporting.ts';
import { placeOf, runView, stepView } from './views.ts';

let at: Reporting;
beforeAll(async () => {
  at = await Reporting.open();
});
afterAll(() => at.close());
beforeEach(() => at.empty());

const pull = { pullNumber: 7, ref: 'refs/pull/7/head' };
const gate = stepView('deploy', {
  kind: 'gate',
  status: 'held',
  hold: { kind: 'gate', reason: 'release', dueAt: null },
  finishedAt: null,
});

const held = checkSpec({
  externalId: `notice/${'c'.repeat(40)}/.maestro/ci.yaml`,
  status: 'completed',
  conclusion: 'action_required',
  title: 'Held: it comes from a fork',
});

const count = (method: string, part: string): number =>
  at.far.requests.filter((one) => one.startsWith(method) && one.includes(part)).length;

describe('the comment of a pull request', () => {
  it('is not written where all is well', async () => {
    await at.show(placeOf('r1', pull), runView('r1', { status: 'succeeded' }));
    await at.reporter().turn();
    expect(at.far.comments).toEqual([]);
    expect(count('GET', 'comments')).toBe(0);
  });

  it('says how to answer a gate, and is edited in place when it was answered', async () => {
    const reporter = at.reporter();
    await at.show(placeOf('r1', pull), runView('r1', { steps: [gate] }));
    await reporter.turn();
    expect(at.far.comments[0]?.body).toContain('/maestro approve');
    at.clock.ms += 60_000;
    await at.show(
      placeOf('r1', pull),
      runView('r1', { status: 'succeeded', steps: [stepView('deploy', { kind: 'gate' })] }),
    );
    await reporter.turn();
    expect(at.far.comments).toHaveLength(1);
    expect(at.far.comments[0]?.body).toMatch(/✅ success/);
    expect(at.far.comments[0]?.body).not.toContain('/maestro approve');
  });

  it('says who may let the pull request of a fork run', async () => {
    await at.board.put({ ...placeOf(''), pullNumber: 7 }, held);
    await at.reporter().turn();
    expect(at.far.comments).toHaveLength(1);
    expect(at.far.comments[0]?.body).toMatch(/write access[\s\S]*\/maestro ok-to-test/);
  });

  it('is one after a crash between its creation and the record of it', async () => {
    await at.show(placeOf('r1', pull), runView('r1', { steps: [gate] }));
    at.far.fault = (method, path) =>
      method === 'POST' && path.includes('/comments') ? { type: 'lose-answer' } : undefined;
    await at.reporter().turn();
    at.far.fault = () => undefined;
    at.clock.ms += 200_000;
    await at.reporter().turn();
    expect(at.far.comments).toHaveLength(1);
    expect(count('PATCH', 'comments')).toBe(1);
  });

  it('is never that of a stranger who copied the marker', async () => {
    const stranger = {
      id: 1,
      body: `${COMMENT_MARKER}\nmine`,
      user: { login: 'mallory', type: 'User' },
      performed_via_github_app: null,
    };
    const otherApp = {
      id: 2,
      body: `${COMMENT_MARKER}\nmine`,
      user: { login: 'maestro[bot]', type: 'Bot' },
      performed_via_github_app: { id: 5 },
    };
    at.far.comments.push(stranger, otherApp);
    await at.show(placeOf('r1', pull), runView('r1', { status: 'failed' }));
    await at.reporter().turn();
    expect(at.far.comments).toHaveLength(3);
    expect(at.far.comments.slice(0, 2).map((one) => one.body)).toEqual([stranger.body, otherApp.body]);
  });

  it('is written anew when somebody deleted it', async () => {
    const reporter = at.reporter();
    await at.show(placeOf('r1', pull), runView('r1', { steps: [gate] }));
    await reporter.turn();
    at.far.comments.length = 0;
    at.clock.ms += 60_000;
    await at.show(placeOf('r1', pull), runView('r1', { status: 'failed', steps: [gate] }));
    await reporter.turn();
    await reporter.turn();
    expect(at.far.comments).toMatchObject([{ body: expect.stringContaining('❌ failure') }]);
  });

  it('tells of runs that a push to the branch started', async () => {
    const { pullNumber: _, ...place } = placeOf('r1', { ref: 'refs/heads/change' });
    await at.show({ ...place, pullNumber: null }, runView('r1', { status: 'failed' }));
    const reporter = at.reporter();
    await reporter.turn();
    expect(at.far.comments).toEqual([]);
    await at.board.follow({ ...place, pullNumber: 7 });
    await reporter.turn();
    expect(at.far.comments).toMatchObject([{ body: expect.stringContaining('❌ failure') }]);
  });

  it('stays with the head where an older commit is told of once more', async () => {
    const reporter = at.reporter();
    const old = placeOf('r1', pull);
    const head = placeOf('r2', { ...pull, headSha: 'd'.repeat(40) });
    await at.board.follow({ ...head, pullNumber: 7 });
    await at.show(head, runView('r2', { status: 'failed' }));
    await reporter.turn();
    at.clock.ms += 60_000;
    await at.show(old, runView('r1', { status: 'failed' }));
    await reporter.turn();
    expect(at.far.comments[0]?.body).toContain('dddddddddddd');
  });

  it('says of a new head that nothing has run on it, where it spoke of an older one', async () => {
    const reporter = at.reporter();
    await at.board.follow({ ...placeOf('r1', pull), pullNumber: 7 });
    await at.show(placeOf('r1', pull), runView('r1', { status: 'failed' }));
    await reporter.turn();
    at.clock.ms += 60_000;
    await at.board.follow({ ...placeOf('r1', pull), pullNumber: 7, headSha: 'd'.repeat(40) });
    await reporter.turn();
    expect(at.far.comments[0]?.body).toMatch(/dddddddddddd\n\nNo pipeline has run on it/);
  });

  it('stays within the limits of GitHub, and says how many are missing', () => {
    const spec = (index: number): CheckSpec => ({
      ...held,
      externalId: `r${index}`,
      name: `${'|é'.repeat(60)}${index}`,
      title: '<'.repeat(255),
      detailsUrl: `https://maestro.example.com/runs/${index}`,
    });
    const checks = Array.from({ length: 120 }, (_, index) => ({ target: placeOf('r1'), spec: spec(index) }));
    const body = stickyComment(checks, { headSha: null, hasComment: true })?.body ?? '';
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(60_000);
    const rows = body.match(/^\| \[/gm)?.length ?? 0;
    expect(rows).toBeGreaterThan(10);
    expect(body).toContain(`and ${120 - rows} more pipelines`);
    expect(body).toMatch(/and \d+ more checks/);
  });

  it('speaks of the head commit only, one row for each pipeline', async () => {
    const reporter = at.reporter();
    await at.show(placeOf('r1', pull), runView('r1', { status: 'failed' }));
    await reporter.turn();
    at.clock.ms += 60_000;
    const head = { ...pull, headSha: 'd'.repeat(40) };
    await at.show(placeOf('r2', head), runView('r2', { status: 'failed' }));
    await at.show(placeOf('r3', head), runView('r3', { status: 'succeeded' }));
    await at.show(placeOf('r4', { ...head, checkName: 'maestro / docs' }), runView('r4', { status: 'succeeded' }));
    await reporter.turn();
    const body = at.far.comments[0]?.body ?? '';
    expect(body).toContain('dddddddddddd');
    expect(body.match(/^\| \[?maestro/gm)).toHaveLength(2);
    expect(body).not.toContain('failure');
  });
});
