import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { receiptRoom } from '../../../src/engine/receipt-room.ts';
import { receiptOf } from '../../../src/engine/receipt-words.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { OTHER_DECISION_BYTES, PROMOTED_ARTIFACTS_MAX, stepBytes } from '../../../src/pipeline/receipt-bytes.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import { buildReceipt, PAYLOAD_BYTES_MAX } from '../../../src/provenance/receipt.ts';
import { planStep } from '../../fakes/plans.ts';
import { AT, bytesOf, entryOf, factsOf, fillOf, OTHER_DECISION } from './closed-run.ts';

describe('the room of a receipt', () => {
  it('is less by the last release of its secrets to a step, and the decision that let it', () => {
    const step = planStep('build"ü"', { secrets: ['NPM_TOKEN', 'KEY_2'] });
    const release = { run: 7, idx: 0, fence: 9, names: step.secrets, decisionId: OTHER_DECISION, at: AT };
    const sizeOf = (releases: readonly (typeof release)[]): number =>
      bytesOf(buildReceipt(factsOf(entryOf([step]), [{ kind: 'succeeded' }], [], { releases })).payload);
    const taken = sizeOf([release]) - sizeOf([]);
    const counted = stepBytes(step) - stepBytes({ ...step, secrets: [] });
    expect(counted).toBeGreaterThanOrEqual(taken);
    expect(counted).toBeLessThan(taken + 24);
    const undone = { ...step, compensate: { uses: 'http', code: step.code, with: {}, env: {}, timeoutMs: 1000 } };
    const twice = stepBytes(undone) - stepBytes({ ...undone, secrets: [] });
    expect(twice).toBe(2 * counted + ':compensate'.length);
  });

  it('is less by what a gate may promote, and the decision that let it', () => {
    const gate = (name: string, environment = 'prod-"ü"'): PlanStep =>
      planStep('to-prod', { kind: 'gate', code: { uri: `maestro:gate.${name}` }, with: { environment } });
    const promotion = {
      run: 7,
      idx: 0,
      environment: 'prod-"ü"',
      artifacts: Array.from({ length: PROMOTED_ARTIFACTS_MAX }, (_, i) => digestBytes(`${i}`)),
      commit: 'a'.repeat(64),
      isRollback: false,
      decisionId: OTHER_DECISION,
      at: AT,
    };
    const sizeOf = (rows: Parameters<typeof factsOf>[3]): number =>
      bytesOf(buildReceipt(factsOf(entryOf([gate('promote')]), [{ kind: 'succeeded' }], [], rows)).payload);
    const taken = sizeOf({ promotions: [promotion] }) - sizeOf({});
    const counted = stepBytes(gate('promote')) - stepBytes(gate('another'));
    const duties =
      stepBytes(gate('another')) - stepBytes({ ...gate('another'), kind: 'wait', environment: 'prod-"ü"' });
    expect(duties).toBeGreaterThan(200);
    expect(counted - duties).toBeGreaterThanOrEqual(taken);
    expect(counted - duties).toBeLessThan(taken + 24);
    expect(stepBytes(gate('freeze'))).toBe(stepBytes(gate('another')) + duties + OTHER_DECISION_BYTES - 1);
    const unknown = stepBytes(gate('promote', '${{ steps.x.outputs.where }}')) - stepBytes(gate('promote', 'x'));
    expect(unknown).toBe(2 * (JSON.stringify('\u0001'.repeat(100)).length - 3));
  });

  it('is enough where people were to be asked about thousands of steps that never ran, as those leave nothing behind', () => {
    const steps = Array.from({ length: 9000 }, (_, i) => planStep(`step-${i}`, { with: { run: `make ${i}` } }));
    const entry = entryOf(steps);
    const full: Outcome = { kind: 'succeeded', outputs: {}, artifacts: fillOf('step-0', receiptRoom(entry)) };
    const facts = factsOf(entry, [full, ...steps.slice(1).map((): Outcome => ({ kind: 'failed' }))]);
    const obligations = [
      { type: 'approvals', value: 20 },
      { type: 'approver-is-not-actor', value: true },
      { type: 'approver-is-not-author', value: true },
      { type: 'expires-seconds', value: 2_592_000 },
    ];
    const asked: RunFacts = {
      ...facts,
      steps: facts.steps.map((step, i) =>
        i === 0 ? step : { ...step, status: 'cancelled', attempts: 0, startedOn: null },
      ),
      policy: facts.policy.map((one, i) => (i === 0 ? one : { ...one, decision: 'ask', obligations })),
    };
    expect(asked.policy).toHaveLength(9001);
    expect(bytesOf(receiptOf(asked).payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
  });
});
