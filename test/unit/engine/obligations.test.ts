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

  it('is to look again at once where the time is over, and at no time where none is known', () => {
    expect(waitingFor(saying({ type: 'hold', value: 'x' }, { type: 'hold-seconds', value: -5 }), NOW).lookAgainMs).toBe(
      0,
    );
    expect(waitingFor(saying({ type: 'hold', value: 'x' }, { type: 'hold-until', value: 'soon' }), NOW)).toEqual({
      reasons: ['x'],
      lookAgainMs: null,
    });
  });
});
