import { isRunFinal } from '../../protocol/run.ts';
import { type CommandContext, targetOf } from './command-context.ts';
import { newestOfEach, readRuns } from './head-runs.ts';

/** `/maestro cancel`: also runs of commits before the newest, which would otherwise go on unseen. */
export async function cancelRuns(context: CommandContext): Promise<string> {
  const { tools, request, pull, person } = context;
  const { target } = await targetOf(context, async () => {
    const ofPull = await tools.runs.ofPull(request.repository.id, pull.number);
    const rows = [...ofPull.slice(0, ROWS_MAX), ...newestOfEach(await headRows(context))];
    const runs = await readRuns(tools, [...new Map(rows.map((row) => [row.runId, row])).values()]);
    return { runIds: runs.filter(({ view }) => !isRunFinal(view.status)).map(({ view }) => view.id) };
  });
  for (const runId of target.runIds)
    await tools.engine.cancelRun(await tools.engine.resolve(runId), `cancelled by ${person.login}`);
  if (target.runIds.length === 0) return 'No run of this pull request is going on.';
  return `Cancelled: ${target.runIds.map((runId) => `\`${runId}\``).join(', ')}.`;
}

const ROWS_MAX = 50;

async function headRows({ tools, request, pull }: CommandContext) {
  const rows = await tools.runs.ofCommit(request.repository.id, pull.headSha);
  return rows.filter((row) => row.pullNumber === null && !pull.isFork && row.ref === `refs/heads/${pull.headRef}`);
}
