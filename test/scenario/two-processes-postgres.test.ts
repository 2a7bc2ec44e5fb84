import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import type { BenchDatabase } from '../bench/engine.ts';
import { dropScratch, makeScratch } from '../bench/scratch-database.ts';
import { describeWith } from '../real-parts.ts';
import { Project } from './maestro.ts';

const TIMEOUT_MS = 90_000;
const CANCEL_MS_MAX = 8000;

describeWith('postgres', 'two processes on one Postgres', () => {
  let database: BenchDatabase;
  let project: Project;
  beforeAll(async () => {
    database = await makeScratch('postgres', 'scenario');
    project = new Project(database.kind === 'postgres' ? { DATABASE_URL: database.url } : {});
    project.write('.maestro/slow.yaml', 'name: slow\nsteps:\n  - { id: wait, run: "echo begun; sleep 3401" }\n');
    project.write('.maestro/quick.yaml', 'name: quick\nsteps:\n  - { id: one, run: echo one }\n');
  }, TIMEOUT_MS);
  afterAll(async () => {
    project.remove();
    await dropScratch(database);
  });

  it(
    'run side by side, and one cancels what the other runs',
    async () => {
      const first = project.start(['run', 'slow']);
      await first.says('begun');
      const [run = ''] = /\b[0-9a-z]{26}\b/.exec(first.stdout()) ?? [];
      expect(await project.maestro('run', 'quick')).toMatchObject({ code: EXIT.ok });
      const beganMs = performance.now();
      const cancelled = project.maestro('cancel', run);
      expect(await first.ended).toMatchObject({ code: EXIT.failed });
      expect(performance.now() - beganMs).toBeLessThan(CANCEL_MS_MAX);
      expect(await cancelled).toMatchObject({ code: EXIT.ok });
    },
    TIMEOUT_MS,
  );
});
