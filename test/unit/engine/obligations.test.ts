import { describe, expect, it } from 'vitest';
import { approvalsWanted, expiresAfterMs, waitingFor } from '../../../src/engine/obligations.ts';
import type { Obligation } from '../../../src/policy/decision.ts';

const saying = (...obligations: readonly Obligation[]) => ({ obligations });
const NOW = Date.parse('2026-12-31T00:00:00Z');

describe('what policy obliges to', () => {
  it('is as many people as the strictest pack wants, and nobody where none says so', () => {
    expect(approvalsWanted(saying({ type: 'approvals', value: 1 }, { type: 'approvals', value: 3 }))).toBe(3);
    expect(approvalsWanted(saying({ type: 'approvals', value: 'many' }))).toBe(0);
    expect(approvalsWanted(saying())).toBe(0);
  });

  it('is the shortest time for an answer', () => {
    expect(expiresAfterMs(saying({ type: 'expires-seconds', value: 90 }, { type: 'expires-seconds', value: 60 }))).toBe(
      60_000,
    );
    expect(expiresAfterMs(saying())).toBeNull();
  });

  it('is to wait for the last of what holds', () => {
    const held = saying(
      { type: 'hold', value: 'promotion/soak: …' },
      { type: 'hold-seconds', value: 60 },
      { type: 'hold', value: 'freeze/window: …' },
      { type: 'hold-until', value: '2027-01-01T01:00[Europe/Paris]' },
    );
    expect(waitingFor(held, NOW)).toEqual({
      reasons: ['promotion/soak: …', 'freeze/window: …'],
      lookAgainMs: 24 * 3_600_000,
    });
  });

  it('is to look again later where the time is over and it holds all the same, or where no time is known', () => {
    const until = (value: string) => saying({ type: 'hold', value: 'x' }, { type: 'hold-until', value });
    const nobodyKnows = { reasons: ['x'], lookAgainMs: null };
    expect(waitingFor(until('soon'), NOW)).toEqual(nobodyKnows);
    expect(waitingFor(saying({ type: 'hold', value: 'x' }, { type: 'hold-seconds', value: -5 }), NOW)).toEqual(
      nobodyKnows,
    );
    // A quarter past two comes twice in this night, and half past two is then taken for the first one.
    const twice = Date.parse('2026-10-25T01:15:00Z');
    expect(waitingFor(until('2026-10-25T02:30[Europe/Paris]'), twice)).toEqual(nobodyKnows);
  });
});
