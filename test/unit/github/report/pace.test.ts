import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Annotation } from '../../../../src/protocol/outcome.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { Reporting } from './reporting.ts';
import { placeOf, runView, stepView } from './views.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

onEveryDatabase('the pace of the reporter', (url) => {
  let at: Reporting;
  beforeAll(async () => {
    at = await Reporting.open(url);
  });
  afterAll(() => at.close());
  beforeEach(() => at.empty());

  /** Runs of pipelines of their own. */
  const showRuns = async (count: number, status: 'running' | 'succeeded') => {
    for (let index = 0; index < count; index++) {
      const id = `r${index}`;
      await at.show(
        placeOf(id, { checkName: `maestro / ${id}`, headSha: `${index}`.padStart(40, '0') }),
        runView(id, { status }),
      );
    }
  };
  const gate = stepView('deploy', {
    kind: 'gate',
    status: 'held',
    hold: { kind: 'gate', reason: '', dueAt: null },
    finishedAt: null,
  });

  describe('while GitHub does not answer', () => {
    it('loses no last word, however long that is', async () => {
      await showRuns(1, 'succeeded');
      at.far.fault = () => ({ type: 'answer', status: 502 });
      const reporter = at.reporter();
      for (let quarter = 0; quarter < 96; quarter++) {
        await reporter.turn();
        at.clock.ms += 15 * MINUTE_MS;
      }
      expect(await at.runs.open(10)).toHaveLength(1);
      expect(at.errors.length).toBeGreaterThan(0);
      at.far.fault = () => undefined;
      await reporter.turn();
      await reporter.turn();
      expect(at.far.check('r0')).toMatchObject({ conclusion: 'success' });
      expect(await at.runs.open(10)).toEqual([]);
    });

    it('tries one report of an installation at a time, and the others of it when GitHub is there again', async () => {
      await showRuns(40, 'succeeded');
      at.far.fault = () => ({ type: 'answer', status: 502 });
      const reporter = at.reporter();
      const pass = async (minutes: number) => {
        for (let minute = 0; minute < minutes; minute++) {
          await reporter.turn();
          at.clock.ms += MINUTE_MS;
        }
      };
      await pass(60);
      expect(at.far.writes.length).toBeLessThan(24);
      const before = at.far.requests.length;
      await pass(120);
      // A look-up, as nobody knows what came of the write before it.
      expect(at.far.requests.length - before).toBeLessThanOrEqual(2 * 17);
      at.far.fault = () => undefined;
      await pass(30);
      expect(at.far.checks).toHaveLength(40);
    });

    it('is not delayed by one report that GitHub cannot digest', async () => {
      await showRuns(1, 'succeeded');
      at.far.fault = (_, path) => (path.includes('/poison/') ? { type: 'answer', status: 500 } : undefined);
      await at.show(placeOf('bad', { owner: 'poison', repositoryId: 11 }), runView('bad', { status: 'succeeded' }));
      const reporter = at.reporter();
      for (let round = 1; round < 20; round++) {
        await at.show(
          placeOf(`x${round}`, { repositoryId: 100 + round }),
          runView(`x${round}`, { status: 'succeeded' }),
        );
        await reporter.turn();
        expect(at.far.check(`x${round}`)).toMatchObject({ conclusion: 'success' });
        at.clock.ms += MINUTE_MS;
      }
    });
  });

  describe('with more to say than GitHub lets it', () => {
    it('is one for all processes and their next lives', async () => {
      await showRuns(90, 'succeeded');
      const turns = () => Promise.all(Array.from({ length: 3 }, () => at.reporter().turn()));
      await turns();
      await turns();
      expect(at.far.writes.length).toBe(25);
      for (let minute = 0; minute < 3; minute++) {
        at.clock.ms += MINUTE_MS;
        const before = at.far.writes.length;
        await turns();
        expect(at.far.writes.length - before).toBeLessThan(80);
      }
      expect(at.far.checks).toHaveLength(90);
      expect(at.errors).toEqual([]);
    });

    it('sends thousands of annotations after every verdict of the installation', async () => {
      const annotations = Array.from(
        { length: 1000 },
        (_, index): Annotation => ({ level: 'failure', message: 'm', path: 'src/a.ts', startLine: index + 1 }),
      );
      const steps = Array.from({ length: 20 }, (_, index) =>
        stepView(`s${index}`, { status: 'failed', reason: 'no', annotations }),
      );
      await at.show(placeOf('r1'), runView('r1', { status: 'failed', steps }));
      const reporter = at.reporter();
      await reporter.turn();
      expect(at.far.checks).toHaveLength(21);
      for (let round = 0; round < 8; round++) {
        at.clock.ms += 10_000;
        const id = `other${round}`;
        await at.show(placeOf(id, { repositoryId: 11, checkName: id }), runView(id, { status: 'succeeded' }));
        const before = at.far.writes.length;
        await reporter.turn();
        expect(at.far.check(id)).toMatchObject({ conclusion: 'success' });
        expect(at.far.writes[before]).toMatch(/^POST/);
      }
      for (let minute = 0; minute < 5; minute++) {
        at.clock.ms += MINUTE_MS;
        await reporter.turn();
      }
      const sent = at.far.checks.map((check) => check.output.annotations.length);
      expect(sent.reduce((sum, count) => sum + count, 0)).toBe(20 * 50 + 1000);
      expect(Math.max(...sent)).toBe(1000);
      expect(at.far.check('r1/s19')?.output.summary).toContain('950 more annotations are not shown');
      await reporter.turn();
      expect(await at.runs.open(10)).toEqual([]);
    });
  });

  describe('of a run that waits', () => {
    it('says once a week that it is under way, before GitHub gives its check up', async () => {
      const reporter = at.reporter();
      await at.show(placeOf('r1'), runView('r1', { steps: [gate] }));
      await reporter.turn();
      const [wholeWeek, updates] = [7 * DAY_MS, () => at.far.writes.filter((one) => one.startsWith('PATCH')).length];
      at.clock.ms += wholeWeek - 1;
      await reporter.turn();
      expect(updates()).toBe(0);
      at.clock.ms += 3_600_000;
      await reporter.turn();
      await reporter.turn();
      expect(updates()).toBe(1);
      at.clock.ms += wholeWeek + 3_600_000;
      await at.reporter().turn();
      expect(updates()).toBe(2);
    });

    it('says no more of one that has ended', async () => {
      const reporter = at.reporter();
      await at.show(placeOf('r1'), runView('r1'));
      await reporter.turn();
      await at.runs.close('r1');
      at.clock.ms += 8 * DAY_MS;
      await reporter.turn();
      expect(at.far.writes).toHaveLength(1);
    });

    it('says within seconds that nobody is waited for any more, however long it has run', async () => {
      const reporter = at.reporter();
      for (let done = 0; done < 12; done++) {
        await at.show(placeOf('r1'), runView('r1', { steps: [stepView(`s${done}`)] }));
        await reporter.turn();
        at.clock.ms += DAY_MS / 12;
      }
      await at.show(placeOf('r1'), runView('r1', { steps: [gate] }));
      await reporter.turn();
      expect(at.far.check('r1')?.output.title).toBe('Waiting for approval of deploy');
      at.clock.ms += 5000;
      await at.show(placeOf('r1'), runView('r1', { steps: [stepView('deploy', { kind: 'gate' })] }));
      await reporter.turn();
      expect(at.far.check('r1')?.output.title).toBe('1 of 1 steps done');
    });
  });
});
