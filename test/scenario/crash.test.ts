import { describe, expect, it } from 'vitest';
import { crash } from '../bench/crash/crash.ts';
import { describeWith } from '../real-parts.ts';

const KILLS = 5;
/** Each kill costs two processes, and a new embedded database some seconds. */
const TIMEOUT_MS = 180_000;

const SOUND = {
  ok: true,
  faults: [],
  completedStepsRunAgain: 0,
  attemptsRunTwice: 0,
  overlaps: 0,
  effectsLost: 0,
};

describe('a process that is killed at any moment, embedded database', () => {
  it(
    'leaves runs that `resume` brings to their end, with no completed step run again',
    async () => {
      const report = await crash({ database: 'embedded', times: KILLS, lanes: 1, seed: 7 });
      expect(report).toMatchObject(SOUND);
      expect(report.kills).toBeGreaterThanOrEqual(KILLS);
    },
    TIMEOUT_MS,
  );
});

describeWith('postgres', 'a process that is killed at any moment, Postgres', () => {
  it(
    'leaves runs that `resume` brings to their end at once, without waiting for leases to expire',
    async () => {
      const report = await crash({ database: 'postgres', times: KILLS, lanes: 1, seed: 7 });
      expect(report).toMatchObject(SOUND);
      expect(report.kills).toBeGreaterThanOrEqual(KILLS);
      expect(report.resumeMaxMs).toBeLessThan(25_000);
    },
    TIMEOUT_MS,
  );
});
