import { MaestroError } from '../../base/errors.ts';
import type { RetryScope } from '../../protocol/client.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { RunView } from '../../protocol/run.ts';
import { queuedCheck } from '../matching/notices.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import type { CommandTools } from './tools.ts';

/**
 * Makes a new run of one that has ended, in the same concurrency group, and takes back its verdict on GitHub. The same
 * key makes one run.
 * @param isOpen whether the pull request of the run is: who asks for a run of a closed one means it
 * @throws RUN_NOT_FINISHED, STEP_NOT_FOUND, CONFLICT where it was about a job of Actions
 */
export async function rerun(
  { engine, runs, board }: Pick<CommandTools, 'engine' | 'runs' | 'board'>,
  row: GitHubRun,
  scope: RetryScope,
  { key, isOpen }: { readonly key: string; readonly isOpen: boolean },
): Promise<RunView> {
  if (isDeploymentDecision(row))
    throw new MaestroError('CONFLICT', 'the job was answered: re-run it on GitHub, and it will ask again');
  const next = await engine.retryRun(await engine.resolve(row.runId), scope, key);
  const view = await engine.readRun(next);
  if (await runs.find(view.id)) return view;
  const summary = 'A new run was asked for; its verdict replaces the one before.';
  // Before the row is there nobody reports the run: a later word cannot be overtaken by this one.
  await board.put(row, { ...queuedCheck(view.id, row.checkName), title: 'Queued again', summary });
  await runs.add({ ...row, runId: view.id, survivesClosing: row.survivesClosing || !isOpen });
  return view;
}
