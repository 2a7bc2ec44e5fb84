import type { Engine } from '../../src/engine/engine.ts';
import type { RunFeed } from '../../src/github/report/reporter.ts';
import type { Dispatches } from '../../src/protocol/dispatch.ts';
import { isRunFinal } from '../../src/protocol/run.ts';

const LOG_LINES_MAX = 20;
/** Twenty lines that are longer than this are no help on a check. */
const LOG_CHARS_MAX = 8000;
const LOG_MS_MAX = 5000;

export interface ProblemFeed extends RunFeed {
  /** What keeps jobs of a run from starting may have changed. */
  noteProblem(runId: string): void;
}

/** What the reporter hears of the engine, and of jobs that do not start. */
export function openRunFeed(engine: Engine, dispatches: Pick<Dispatches, 'problemOf'>): ProblemFeed {
  const problems = new Map<string, number>();
  return {
    noteProblem: (runId) => void problems.set(runId, (problems.get(runId) ?? 0) + 1),
    next: (waitMs, signal) => engine.news.next('changed', waitMs, signal),
    versions: async (runIds) => {
      const versions = await engine.versionsOf(runIds);
      for (const runId of problems.keys()) if (!versions.has(runId)) problems.delete(runId);
      // A fraction: the whole part counts events, and words about fewer of them than were told already are dropped.
      return new Map(
        [...versions].map(([runId, version]) => [runId, version + 1 - 1 / (1 + (problems.get(runId) ?? 0))]),
      );
    },
    readRun: async (runId) => {
      const view = await engine.readRun(await engine.resolve(runId));
      if (isRunFinal(view.status) || view.reason !== null) return view;
      return { ...view, reason: await dispatches.problemOf(runId) };
    },
    readPlan: async (runId) => engine.readPlan(await engine.resolve(runId)),
    readLogTail: async (runId, stepId) => {
      const run = await engine.resolve(runId);
      let [tail, latest] = ['', 0];
      for await (const { text, attempt } of engine.readLogs(run, stepId, false, AbortSignal.timeout(LOG_MS_MAX))) {
        // Of the attempt that counts: what one before it said is not why this one failed.
        tail = ((attempt === latest ? tail : '') + text).slice(-LOG_CHARS_MAX);
        latest = attempt;
      }
      return tail.trimEnd().split('\n').slice(-LOG_LINES_MAX).join('\n');
    },
  };
}
