import { localPrincipal } from '../../base/principal.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { Octokit } from '../octokit.ts';
import { assertNotAuthor, wantsOthers } from './answer-gate.ts';
import type { CheckRequest } from './check-request.ts';
import type { Press } from './press.ts';
import { fetchPull, type Pull } from './pull.ts';
import { pullOf } from './start-again.ts';

/**
 * Approve and Deny on a check. That of a step answers its gate, that of a whole run the question whether it may begin: it
 * never passes to a gate, which may wait by now because somebody else has answered.
 * @throws GATE_NOT_OPEN, APPROVAL_NOT_ALLOWED
 */
export async function answerButton(
  { tools, octokit, request, person }: Press,
  row: GitHubRun,
  step: string | undefined,
  decision: 'approve' | 'deny',
): Promise<string> {
  const run = await tools.engine.resolve(row.runId);
  const gate = step ?? null;
  if (decision === 'approve' && wantsOthers(await tools.engine.readPlan(run), gate)) {
    const pull = await pullOfRun(octokit, request, row);
    const trigger = await tools.engine.readTrigger(run);
    await assertNotAuthor(octokit, request.repository, { pull, person, trigger, headSha: row.headSha });
  }
  const principal = { ...localPrincipal(person.login), provider: 'github', account: String(person.id) };
  await tools.engine.answerGate(run, { gate, decision, reason: '', principal, isAuthor: false });
  return `${decision} of ${gate ?? 'the run'} by ${person.login}`;
}

/** The run's own pull request: another one of the same commit may be somebody else's, opened to approve this one with. */
async function pullOfRun(octokit: Octokit, request: CheckRequest, row: GitHubRun): Promise<Pull | null> {
  if (row.pullNumber !== null) return fetchPull(octokit, request.repository, row.pullNumber);
  return (await pullOf(octokit, request)) ?? null;
}
