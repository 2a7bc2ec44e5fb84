import { describe, expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { FAILED, policyWith, TestWorker } from './world.ts';

const ADA = localPrincipal(TRIGGER.actor.id);
const BO = localPrincipal('bo');
const CY = localPrincipal('cy');

onEveryStore(
  'what people and policy decide',
  (world) => {
    const gate = (id: string, input: Record<string, string | number | boolean | string[]> = {}) =>
      planStep(id, { kind: 'gate', uses: 'gate', with: input });
    const approve = (run: number, principal = BO, step?: string) =>
      world().engine.answerGate(run, {
        decision: 'approve',
        reason: 'fine',
        principal,
        isAuthor: false,
        ...(step === undefined ? {} : { gate: step }),
      });
    const deny = (run: number, principal = BO) =>
      world().engine.answerGate(run, { decision: 'deny', reason: 'no', principal, isAuthor: false });

    describe('gates', () => {
      it('opens when a person approves, and shows that it waits until then', async () => {
        const w = world();
        const run = await w.start([gate('g', { message: 'ship it?' }), planStep('z', { needs: ['g'] })]);
        await w.until(run, 'g', 'held');
        expect(await w.engine.waitForRun(run, AbortSignal.timeout(1000))).toBe('waiting');
        expect((await w.step(run, 'g')).hold).toMatchObject({ kind: 'gate', reason: 'ship it?' });
        await approve(run);
        await (await w.worker()).run('z');
        expect((await w.end(run)).status).toBe('succeeded');
      });

      it('is denied by one denial, and continue-on-error does not absorb it', async () => {
        const w = world();
        const run = await w.start([
          { ...gate('g', { approvals: 2 }), continueOnError: true },
          planStep('z', { needs: ['g'] }),
        ]);
        await w.until(run, 'g', 'held');
        await approve(run, CY);
        await deny(run);
        expect((await w.end(run)).status).toBe('failed');
        expect(await w.statuses(run)).toEqual({ g: 'denied', z: 'skipped' });
      });

      it('is denied when its time is over', async () => {
        const w = world();
        const run = await w.start([gate('g', { expires: '1h' })]);
        await w.until(run, 'g', 'held');
        await w.timeout(run);
        await w.until(run, 'g', 'denied');
        expect((await w.end(run)).status).toBe('failed');
      });

      it('wants as many people as it says: one person counts once', async () => {
        const w = world();
        const run = await w.start([gate('g', { approvals: 2 })]);
        await w.until(run, 'g', 'held');
        await approve(run);
        await approve(run);
        expect((await w.step(run, 'g')).status).toBe('held');
        await approve(run, CY);
        expect((await w.end(run)).status).toBe('succeeded');
      });

      it('takes the newest word of a person: who approved may still deny', async () => {
        const w = world();
        const run = await w.start([gate('g', { approvals: 2 })]);
        await w.until(run, 'g', 'held');
        await approve(run);
        await deny(run);
        expect((await w.end(run)).status).toBe('failed');
      });

      it('refuses the author where it says so, and whom it does not name', async () => {
        const w = world();
        const run = await w.start([gate('g', { 'not-author': true }), gate('h', { from: ['cy'] })]);
        await w.until(run, 'h', 'held');
        await expect(approve(run, ADA, 'g')).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
        await expect(approve(run, BO, 'h')).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
        await expect(approve(run, BO)).rejects.toMatchObject({ code: 'GATE_NOT_OPEN' });
        await expect(approve(run, BO, 'x')).rejects.toMatchObject({ code: 'STEP_NOT_FOUND' });
        await approve(run, BO, 'g');
        await expect(approve(run, BO, 'g')).rejects.toMatchObject({ code: 'GATE_NOT_OPEN' });
        await approve(run, CY, 'h');
        expect((await w.end(run)).status).toBe('succeeded');
        await expect(approve(run)).rejects.toMatchObject({ code: 'GATE_NOT_OPEN' });
      });
    });

    it('lets the author deny what they may not approve', async () => {
      const w = world();
      const run = await w.start([gate('g', { 'not-author': true })]);
      await w.until(run, 'g', 'held');
      await expect(approve(run, ADA)).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
      await deny(run, ADA);
      expect((await w.end(run)).status).toBe('failed');
    });

    it('knows people of GitHub in any case of their logins, as GitHub does, and nobody else', async () => {
      const w = world();
      const run = await w.start([gate('g', { from: ['Grace'] }), gate('h', { from: ['Grace'] })]);
      await w.until(run, 'h', 'held');
      await expect(approve(run, localPrincipal('grace'), 'g')).rejects.toMatchObject({
        code: 'APPROVAL_NOT_ALLOWED',
      });
      await approve(run, { ...localPrincipal('gracE'), provider: 'github' }, 'g');
      await approve(run, localPrincipal('Grace'), 'h');
      expect((await w.end(run)).status).toBe('succeeded');
    });

    it('takes no approval that is older than the wait: its author cannot have seen what waits', async () => {
      const w = world();
      const run = await w.start([gate('g'), gate('h', {})]);
      await w.until(run, 'h', 'held');
      const [{ at }] = (await w
        .sql(`select at from event where run_id = ${run} and idx = 0 order by id desc limit 1`)
        .then((rows) => rows.map((row) => ({ at: row[0] as Date })))) as [{ at: Date }];
      const answer = { decision: 'approve', reason: '', principal: BO, isAuthor: false, gate: 'g' } as const;
      const early = w.engine.answerGate(run, { ...answer, begunBefore: at.toISOString() });
      await expect(early).rejects.toMatchObject({ code: 'CONFLICT' });
      await w.engine.answerGate(run, { ...answer, begunBefore: new Date(at.getTime() + 1).toISOString() });
      expect((await w.step(run, 'g')).status).toBe('succeeded');
      // A denial is welcome at any time.
      await w.engine.answerGate(run, { ...answer, gate: 'h', decision: 'deny', begunBefore: '2001-01-01T00:00:00Z' });
      expect((await w.end(run)).status).toBe('failed');
    });

    it('does not pass consent to a run on to the gate that waits next', async () => {
      const w = world();
      const plan = planOf([gate('g')], { autonomy: 'L5' });
      const run = await w.start(plan);
      const consent = { decision: 'approve', reason: '', principal: BO, isAuthor: false, gate: null } as const;
      const tooEarly = w.engine.answerGate(run, { ...consent, begunBefore: '2001-01-01T00:00:00Z' });
      await expect(tooEarly).rejects.toMatchObject({ code: 'CONFLICT' });
      await w.engine.answerGate(run, consent);
      await w.engine.answerGate(run, consent);
      expect((await w.engine.readRun(run)).isConsentWanted).toBe(true);
      await w.engine.answerGate(run, { ...consent, principal: CY });
      await w.until(run, 'g', 'held');
      await expect(w.engine.answerGate(run, consent)).rejects.toMatchObject({ code: 'GATE_NOT_OPEN' });
      await approve(run);
      await approve(run, CY);
      expect((await w.end(run)).status).toBe('succeeded');
    });

    describe('policy', () => {
      it('denies a step whose tag it forbids, and what follows does not run', async () => {
        const w = world();
        const run = await w.start([
          planStep('a', { tags: ['chaos'], continueOnError: true }),
          planStep('b', { needs: ['a'] }),
        ]);
        expect((await w.end(run)).status).toBe('failed');
        expect(await w.statuses(run)).toEqual({ a: 'denied', b: 'skipped' });
        expect((await w.step(run, 'a')).decision?.verdict).toBe('deny');
      });

      it('asks about a protected environment: approval lets the step begin, denial does not', async () => {
        const w = world();
        const plan = [planStep('a'), planStep('deploy', { needs: ['a'], environment: 'production' })];
        const worker = await w.worker();
        const good = await w.start(plan);
        await worker.run('a');
        await w.until(good, 'deploy', 'held');
        await worker.nothing();
        await approve(good);
        await worker.run('deploy');
        expect((await w.end(good)).status).toBe('succeeded');
        const bad = await w.start(plan);
        await worker.run('a');
        await w.until(bad, 'deploy', 'held');
        await deny(bad);
        expect((await w.end(bad)).status).toBe('failed');
        expect((await w.step(bad, 'deploy')).status).toBe('denied');
      });

      it('sees inputs that are made of outputs before the step begins', async () => {
        const w = world();
        const run = await w.start([
          planStep('a'),
          planStep('b', { needs: ['a'], with: { run: `\${{ steps.a.outputs.word }}`, shell: 'bash' } }),
        ]);
        const worker = await w.worker();
        await worker.run('a', { kind: 'succeeded', outputs: { word: 'hello' } });
        await worker.run('b');
        const view = await w.end(run);
        const input = await w.sql(
          `select input -> 'step' -> 'with' ->> 'run' from decision d join step s on s.decision_id = d.id where s.run_id = ${run} and s.idx = 1`,
        );
        expect(input).toEqual([['hello']]);
        expect(view.status).toBe('succeeded');
      });

      it('rejects a run outright, and the rejected run has a receipt', async () => {
        const w = world();
        const run = await w.start(planOf([planStep('a'), planStep('b', { needs: ['a'] })], { purpose: 'mischief' }));
        const view = await w.end(run);
        expect(view.status).toBe('rejected');
        expect(view.steps.map((step) => step.status)).toEqual(['cancelled', 'cancelled']);
        await (await w.worker()).nothing();
      });

      it('judges steps that wait for a worker again when its pack has changed', async () => {
        const w = world();
        const run = await w.start([planStep('a'), planStep('b', { tags: ['deploy'] })]);
        expect(await w.statuses(run)).toEqual({ a: 'ready', b: 'ready' });
        const policy = await policyWith({ tags: { deploy: { verdict: 'deny' } } });
        const later = await openTestEngine(w.db, { policy });
        const worker = await TestWorker.register(later);
        await worker.run('a');
        expect((await w.end(run)).status).toBe('failed');
        expect(await w.statuses(run)).toEqual({ a: 'succeeded', b: 'denied' });
        await worker.leave();
        await later.close();
      });

      it('asks about a run above its level: it waits until two people who did not start it let it begin', async () => {
        const w = world();
        const plan = planOf([planStep('a')], { autonomy: 'L5', budget: { minutes: 60 } });
        const worker = await w.worker();
        const run = await w.start(plan);
        await worker.nothing();
        expect((await w.engine.readRun(run)).status).toBe('queued');
        await expect(approve(run, ADA)).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
        await approve(run);
        await worker.nothing();
        await approve(run, CY);
        // From now on its budget of time runs.
        expect(await w.db.query('', 'select idx, kind from timer where run_id = $1', [run])).toEqual([[-1, 2]]);
        await worker.run('a');
        expect((await w.end(run)).status).toBe('succeeded');
        const refused = await w.start(plan);
        await deny(refused);
        expect((await w.end(refused)).status).toBe('cancelled');
      });
    });

    describe('cancel', () => {
      it('ends what has not begun at once, tells running steps over the held poll, and closes as cancelled', async () => {
        const w = world();
        const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] })]);
        const worker = await w.worker();
        const a = await worker.take('a');
        const heard = w.engine.leases.signals(worker.id, 5000, new AbortController().signal);
        await w.engine.cancelRun(run, 'enough');
        expect(await heard).toEqual([{ type: 'cancel', stepId: a.stepId, fence: a.fence }]);
        expect(await w.engine.readRun(run)).toMatchObject({ status: 'cancelling', reason: 'enough' });
        expect(await w.statuses(run)).toEqual({ a: 'running', b: 'cancelled' });
        expect(await worker.complete(a, { kind: 'cancelled' })).toBe('recorded');
        expect(await worker.complete(a, { kind: 'cancelled' })).toBe('recorded');
        const view = await w.end(run);
        expect(view).toMatchObject({ status: 'cancelled', reason: 'enough' });
        expect(view.steps.map((step) => step.status)).toEqual(['cancelled', 'cancelled']);
      });

      it('records a success that was on its way', async () => {
        const w = world();
        const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] })]);
        const worker = await w.worker();
        const a = await worker.take('a');
        await w.engine.cancelRun(run, 'enough');
        expect(await worker.complete(a)).toBe('recorded');
        expect((await w.end(run)).status).toBe('cancelled');
        expect(await w.statuses(run)).toEqual({ a: 'succeeded', b: 'cancelled' });
      });

      it('frees a run whose stopping step lost its worker, and refuses what that worker says later', async () => {
        const w = world();
        const run = await w.start([planStep('a')]);
        const worker = await w.worker();
        const a = await worker.take('a');
        await w.engine.cancelRun(run, 'enough');
        await w.sql(`update worker set beat = now() - interval '1 hour' where id = ${worker.id}`);
        await w.engine.resumeRun(run);
        expect((await w.end(run)).status).toBe('cancelled');
        expect(await worker.complete(a)).toBe('lost');
      });

      it('ends a gate, a wait and a backoff, whose timers do nothing later', async () => {
        const w = world();
        const slow = {
          max: 1,
          on: ['step'],
          backoff: { initialMs: 60_000, factor: 1, maxMs: 60_000, jitter: 'none' },
        } as const;
        const run = await w.start([
          gate('g', { expires: '1h' }),
          planStep('w', { kind: 'wait', with: { for: '1h' } }),
          planStep('b', { retry: slow }),
        ]);
        await (await w.worker()).run('b', FAILED);
        await w.until(run, 'b', 'held');
        await w.engine.cancelRun(run, 'enough');
        await w.timeout(run);
        expect((await w.end(run)).status).toBe('cancelled');
        expect(await w.statuses(run)).toEqual({ g: 'cancelled', w: 'cancelled', b: 'cancelled' });
      });

      it('says so when there is no such run', async () => {
        await expect(world().engine.cancelRun(999_999_999, 'x')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        await expect(approve(999_999_999)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      });
    });

    describe('compensation', () => {
      const undo = {
        uses: 'shell',
        code: { uri: 'maestro:step/shell' },
        with: { run: 'undo', shell: 'bash' },
        env: {},
        timeoutMs: 1000,
      };
      const plan = [
        planStep('a', { compensate: undo }),
        planStep('b', { needs: ['a'], compensate: undo }),
        planStep('c', { needs: ['b'], compensate: undo }),
        planStep('d', { needs: ['b'] }),
      ];

      it('undoes the successes of a failed run, last first, one after the other', async () => {
        const w = world();
        const run = await w.start(plan);
        const worker = await w.worker();
        await worker.run('a');
        await worker.run('b');
        const [c, d] = await worker.lease('c', 'd');
        await worker.complete(c!, FAILED);
        await worker.nothing();
        await worker.complete(d!);
        const b = await worker.take('b:compensate');
        await worker.nothing();
        await worker.complete(b);
        await worker.run('a:compensate');
        const view = await w.end(run);
        expect(view.status).toBe('failed');
        expect(view.steps.map((step) => step.id)).toEqual(['a', 'b', 'c', 'd', 'b:compensate', 'a:compensate']);
      });

      it('undoes a cancelled run, also where one compensation fails, and a second cancel changes nothing', async () => {
        const w = world();
        const run = await w.start(plan);
        const worker = await w.worker();
        await worker.run('a');
        await worker.run('b');
        await w.engine.cancelRun(run, 'enough');
        const b = await worker.take('b:compensate');
        await w.engine.cancelRun(run, 'more than enough');
        await worker.complete(b, FAILED);
        await worker.run('a:compensate');
        const view = await w.end(run);
        expect(view).toMatchObject({ status: 'cancelled', reason: 'enough' });
        expect(view.steps.at(-2)).toMatchObject({ id: 'b:compensate', status: 'failed' });
      });

      it('is not kept by a retry: what was undone is done again', async () => {
        const w = world();
        const run = await w.start(plan);
        const worker = await w.worker();
        await worker.run('a');
        await worker.run('b', FAILED);
        await worker.run('a:compensate');
        await w.end(run);
        const again = await w.engine.retryRun(run, { type: 'failed' });
        for (const id of ['a', 'b']) await worker.run(id);
        for (const lease of await worker.lease('c', 'd')) await worker.complete(lease);
        expect((await w.end(again)).status).toBe('succeeded');
      });
    });
  },
  async () => ({ policy: await policyWith({ tags: { chaos: { verdict: 'deny' }, deploy: {} } }) }),
);
