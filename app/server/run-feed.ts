import type { Engine } from '../../src/engine/engine.ts';
import type { RunFeed } from '../../src/github/report/reporter.ts';
import type { Dispatches } from '../../src/protocol/dispatch.ts';
import { isRunFinal } from '../../src/protocol/run.ts';
import type { RunJob } from '../../src/store/run-jobs.ts';

const LOG_LINES_MAX = 20;
/** Twenty lines that are longer than this are no help on a check. */
const LOG_CHARS_MAX = 8000;
const LOG_MS_MAX = 5000;
const JOBS_MAX = 3;
const PROBLEMS_MAX = 10_000;

export interface RunFeedOptions {
  readonly engine: Engine;
  readonly dispatches: Pick<Dispatches, 'problemOf'>;
  /** Jobs of a run, the newest first. */
  readonly jobsOf: (runId: string, limit: number) => Promise<readonly RunJob[]>;
  /** `https://github.com`, where people read what those jobs did. */
  readonly githubUrl: string;
}

export interface ProblemFeed extends RunFeed {
  /** What keeps jobs of a run from starting may have changed. */
  noteProblem(runId: string): void;
}

/** What the reporter hears of the engine, and of jobs that do not start. */
export function openRunFeed({ engine, dispatches, jobsOf, githubUrl }: RunFeedOptions): ProblemFeed {
  const problems = new Map<string, number>();
  return {
    noteProblem: (runId) => {
      problems.set(runId, (problems.get(runId) ?? 0) + 1);
      // Notes come also when a run is over and nobody asks about it again.
      const [oldest] = problems.keys();
      if (problems.size > PROBLEMS_MAX && oldest !== undefined) problems.delete(oldest);
    },
    next: (waitMs, signal) => engine.news.next('changed', waitMs, signal),
    versions: async (runIds) => {
      const versions = await engine.versionsOf(runIds);
      for (const runId of runIds) if (!versions.has(runId)) problems.delete(runId);
      // A fraction: the whole part counts events, and words about fewer of them than were told already are dropped.
      return new Map(
        [...versions].map(([runId, version]) => [runId, version + 1 - 1 / (1 + (problems.get(runId) ?? 0))]),
      );
    },
    readRun: async (runId) => {
      const view = await engine.readRun(await engine.resolve(runId));
      if (isRunFinal(view.status)) problems.delete(runId);
      if (isRunFinal(view.status) || view.reason !== null) return view;
      return { ...view, reason: await dispatches.problemOf(runId) };
    },
    readPlan: async (runId) => engine.readPlan(await engine.resolve(runId)),
    readJobs: async (runId) => (await jobsOf(runId, JOBS_MAX)).map((job) => pageOf(githubUrl, job)),
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

function pageOf(githubUrl: string, { owner, repo, workflowRunId }: RunJob): string {
  return `${githubUrl}/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/actions/runs/${workflowRunId}`;
}
