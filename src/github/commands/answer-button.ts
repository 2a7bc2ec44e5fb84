import type { GitHubRun } from '../../protocol/github-run.ts';
import type { Octokit } from '../octokit.ts';
import type { CheckRequest } from './check-request.ts';
import { assertNewest, giveAnswer } from './give-answer.ts';
import type { Press } from './press.ts';
import { fetchPull, type Pull } from './pull.ts';
import { pullOf } from './start-again.ts';

/**
 * Approve and Deny on a check. That of a step answers its gate, that of a whole run the question whether it may begin: it
 * never passes to a gate, which may wait by now because somebody else has answered.
 * @throws GATE_NOT_OPEN, APPROVAL_NOT_ALLOWED, CONFLICT
 */
export async function answerButton(
  { tools: { engine }, octokit, request, person }: Press,
  row: GitHubRun,
  step: string | undefined,
  decision: 'approve' | 'deny',
): Promise<string> {
  const gate = step ?? null;
  const { owner, name: repo } = request.repository;
  const pull = await pullOfRun(octokit, request, row);
  if (decision === 'approve') assertNewest(pull, row);
  await giveAnswer({ engine, octokit, place: { owner, repo }, row, pull, person }, { gate, decision, reason: '' });
  return `${decision} of ${gate ?? 'the run'} by ${person.login}`;
}

async function pullOfRun(octokit: Octokit, request: CheckRequest, row: GitHubRun): Promise<Pull | null> {
  if (row.pullNumber !== null) return fetchPull(octokit, request.repository, row.pullNumber);
  return (await pullOf(octokit, request)) ?? null;
}
