import type { GitHubRun } from '../../protocol/github-run.ts';
import type { RunView } from '../../protocol/run.ts';
import type { PullFacts } from '../code-event.ts';
import type { CommandTools } from './tools.ts';

const PIPELINES_MAX = 50;

export interface HeadRun {
  readonly row: GitHubRun;
  /** Number of the run in the engine. */
  readonly run: number;
  readonly view: RunView;
}

/** The newest run of each pipeline on the head of a pull request, also where a push to its branch started it. */
export async function headRuns(
  tools: Pick<CommandTools, 'runs' | 'engine'>,
  repositoryId: number,
  pull: PullFacts,
): Promise<readonly HeadRun[]> {
  const rows = await tools.runs.ofCommit(repositoryId, pull.headSha);
  return readRuns(tools, newestOfEach(rows.filter((row) => belongsTo(row, pull))));
}

/** The first row of each pipeline: rows come newest first. */
export function newestOfEach(rows: readonly GitHubRun[]): readonly GitHubRun[] {
  const newest = new Map<string, GitHubRun>();
  for (const row of rows) if (!newest.has(row.checkName)) newest.set(row.checkName, row);
  return [...newest.values()].slice(0, PIPELINES_MAX);
}

export async function readRuns(
  { engine }: Pick<CommandTools, 'engine'>,
  rows: readonly GitHubRun[],
): Promise<readonly HeadRun[]> {
  return Promise.all(
    rows.map(async (row) => {
      const run = await engine.resolve(row.runId);
      return { row, run, view: await engine.readRun(run) };
    }),
  );
}

/** A release that a tag started on the same commit is not the pull request's. */
function belongsTo(row: GitHubRun, pull: PullFacts): boolean {
  if (row.pullNumber !== null) return row.pullNumber === pull.number;
  return !pull.isFork && row.ref === `refs/heads/${pull.headRef}`;
}
