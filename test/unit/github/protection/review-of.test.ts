import { describe, expect, it } from 'vitest';
import { type GivenAnswer, reviewOf } from '../../../../src/github/protection/review-of.ts';
import type { RunView, StepView } from '../../../../src/protocol/run.ts';
import { DIGEST, runView, stepView } from '../report/views.ts';

const REQUEST = { runId: 'r1', repositoryId: 10, workflowRunId: 7, attempt: 2, environment: 'prod' };
const DENIAL = {
  verdict: 'deny',
  reasons: ['freeze/window: weekend'],
  packDigest: DIGEST,
  inputDigest: DIGEST,
} as const;

const gate = (change: Partial<StepView>): StepView =>
  stepView('promote', { kind: 'gate', environment: 'prod', ...change });
const held = (reason: string): StepView => gate({ status: 'held', hold: { kind: 'gate', reason, dueAt: null } });
const review = (change: Partial<RunView>, answers: readonly GivenAnswer[] = []) =>
  reviewOf(runView('r1', change), REQUEST, answers, 'maestro / deployment to prod');

describe('what is said about a job that waits', () => {
  it('is nothing before there is a reason', () => {
    expect(review({ steps: [gate({ status: 'pending' })] })).toBeUndefined();
  });

  it('is why it waits, and how to answer', () => {
    const word = review({ steps: [held('1 of 2 approvals; soak: wait')] });
    expect(word).toMatchObject({ ...REQUEST, externalId: 'r1/review/prod', state: null });
    expect(word?.comment).toBe(
      'Maestro waits:\n\n- 1 of 2 approvals\n- soak: wait\n\nAnswer with the buttons of the check maestro / deployment to prod, or `maestro approve r1`.',
    );
  });

  it('is that policy wants consent', () => {
    expect(review({ isConsentWanted: true })?.comment).toContain('- policy asks for consent');
  });

  it('is approval where the run succeeded, with who approved and did not take it back', () => {
    const answers: GivenAnswer[] = [
      { decision: 'approve', by: 'ada' },
      { decision: 'approve', by: 'bo' },
      { decision: 'approve', by: 'mallory' },
      { decision: 'revoke', by: 'mallory' },
    ];
    const answer = review({ status: 'succeeded', steps: [gate({})] }, answers);
    expect(answer).toMatchObject({ state: 'approved' });
    expect(answer?.comment).toBe('Approved by Maestro:\n\n- approved by ada, bo\n\nRun `r1`.');
  });

  it.each<[string, Partial<RunView>, string]>([
    [
      'was denied',
      { status: 'failed', steps: [gate({ status: 'denied', reason: 'denied by ada: no' })] },
      'denied by ada: no',
    ],
    ['was rejected', { status: 'rejected', decision: DENIAL }, 'freeze/window: weekend'],
    [
      'was denied by policy',
      { status: 'failed', steps: [gate({ status: 'denied', decision: DENIAL })] },
      'freeze/window: weekend',
    ],
    ['was cancelled', { status: 'cancelled', reason: 'cancelled by grace' }, 'cancelled by grace'],
  ])('is rejection where the run %s, with the reason', (_, change, reason) => {
    const answer = review(change);
    expect(answer).toMatchObject({ state: 'rejected' });
    expect(answer?.comment).toContain(`- ${reason}`);
  });

  it('says nothing of a reason twice', () => {
    const steps = [gate({ status: 'denied', reason: 'freeze/window: weekend', decision: DENIAL })];
    expect(review({ status: 'failed', steps })?.comment.match(/weekend/g)).toHaveLength(1);
  });

  it.each(['<b>@octo/admins</b> #1 ', '*'.repeat(400), 'ü'.repeat(3000), `${'; '.repeat(50)}x`])(
    'fits into what GitHub takes and is harmless: %s',
    (reason) => {
      const long = Array.from({ length: 9 }, (_, index) => `${reason}${index}`).join('; ');
      for (const spec of [review({ steps: [held(long)] }), review({ status: 'cancelled', reason: long })]) {
        expect(spec?.comment.length).toBeLessThanOrEqual(1024);
        expect(spec?.comment).not.toMatch(/@octo|<b>|#1/);
        expect(spec?.comment).toMatch(/r1`\.$/);
      }
    },
  );
});
