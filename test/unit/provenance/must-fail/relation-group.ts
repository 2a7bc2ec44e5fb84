import { digestBytes } from '../../../../src/base/digest.ts';
import { closeLeaf, openLeaf, textsOf } from '../evidence-log/sample-log.ts';
import { at } from './at.ts';
import type { Group } from './item.ts';
import { type Facts, lineageItem, promotionOf, receiptOf, relation, retryOf, runOf, stagingRun } from './lineage.ts';
import { factsItem } from './receipts.ts';
import { auditItem } from './register-group.ts';

/** A run and its second attempt. */
function retryItem(name: string, code: string, lie: (second: Facts, first: Facts) => unknown) {
  return lineageItem(name, code, async (isTampered) => {
    const [first, genuine] = [runOf('first'), await receiptOf(runOf('first'))];
    const second = retryOf(genuine);
    if (isTampered) lie(second, first);
    return [await receiptOf(second), await receiptOf(first)];
  });
}

export const RELATIONS: Group = {
  title: 'Runs that name each other',
  items: [
    factsItem('a run that comes from itself', 'RELATION_INVALID', ({ run, relations }) =>
      relations.push(relation('supersedes', run.id)),
    ),
    lineageItem('a circle of two', 'RELATION_CYCLE', async (isTampered) => [
      await receiptOf(runOf('one', [relation('supersedes', 'two')])),
      await receiptOf(runOf('two', isTampered ? [relation('childOf', 'one')] : [])),
    ]),
    lineageItem('a circle of three, which a parent closes', 'RELATION_CYCLE', async (isTampered) => [
      await receiptOf(
        runOf('one', [relation('supersedes', 'two'), ...(isTampered ? [relation('parentOf', 'three')] : [])]),
      ),
      await receiptOf(runOf('two', [relation('replayOf', 'three')])),
      await receiptOf(runOf('three')),
    ]),
    lineageItem('a run that is named, and whose receipt is not there', 'RELATION_DANGLING', async (isTampered) => {
      const first = await receiptOf(runOf('first'));
      const second = await receiptOf(retryOf(first));
      return isTampered ? [second] : [second, first];
    }),
    retryItem(
      'another receipt of a run than the one that is named',
      'RELATION_INVALID',
      (_second, first) => (first.run.nonce = 'ff'.repeat(16)),
    ),
    lineageItem('two receipts of one run', 'RELATION_INVALID', async (isTampered) => {
      const anew = runOf('first');
      if (isTampered) anew.run.nonce = 'ff'.repeat(16);
      return [await receiptOf(runOf('first')), await receiptOf(anew)];
    }),
    retryItem('a result carried over that the run before did not have', 'RELATION_INVALID', ({ steps }) =>
      Object.assign(at(at(steps, 0).outputs, 0), { digest: digestBytes('evil') }),
    ),
    lineageItem(
      'a result carried over from a run whose receipt is not there',
      'RELATION_DANGLING',
      async (isTampered) => {
        const first = await receiptOf(runOf('first'));
        const second = await receiptOf(retryOf(first));
        const third = runOf('third', [relation('retryOf', 'second', second.payloadSha256)]);
        third.run.attempt = 3;
        Object.assign(at(third.steps, 0), { carriedFrom: isTampered ? 'zero' : 'first', attempts: 0 });
        return [await receiptOf(third), second, first];
      },
    ),
    retryItem('a retry of another plan', 'RELATION_INVALID', ({ plan }) => (plan.digest = digestBytes('another plan'))),
    retryItem('a third attempt that retries the first', 'RELATION_INVALID', ({ run }) => (run.attempt = 3)),
    factsItem('a result carried over from a run that is not retried', 'RELATION_INVALID', ({ steps }) =>
      Object.assign(at(steps, 0), { carriedFrom: 'elsewhere', attempts: 0 }),
    ),
    factsItem('a second attempt of nothing', 'RELATION_INVALID', ({ run }) => (run.attempt = 2)),
    lineageItem('a promotion of what the promoted run did not make', 'PROMOTION_INVALID', async (isTampered) => {
      const staging = await receiptOf(stagingRun(isTampered));
      return [await receiptOf(promotionOf(staging)), staging];
    }),
    factsItem(
      'a promotion of another digest than people saw',
      'APPROVAL_INVALID',
      ({ promotions }) => (at(promotions, 0).artifacts = [digestBytes('evil')]),
    ),
    factsItem('something that passed, and nobody says what', 'PROMOTION_INVALID', (facts) => (facts.promotions = [])),
    auditItem('a close without an open', 'CLOSE_WITHOUT_OPEN', (register) =>
      register.entries.push(...textsOf([closeLeaf(99)])),
    ),
    auditItem('an open without a close', 'OPEN_WITHOUT_CLOSE', (register) =>
      register.entries.push(...textsOf([openLeaf(99)])),
    ),
    auditItem('a run that is closed twice', 'LEAF_DUPLICATE', (register) =>
      register.entries.push(...textsOf([closeLeaf(3)])),
    ),
  ],
};
