import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { RunView } from '../../protocol/run.ts';
import type { Octokit } from '../octokit.ts';
import type { Person } from '../people/role-of.ts';
import { safeText } from '../report/safe-text.ts';
import { type CommandContext, targetOf } from './command-context.ts';
import { type HeadRun, headRuns } from './head-runs.ts';
import { chooseGate, waitingGates } from './waiting-gates.ts';

/** Types of triggers whose actor pushed the commit. */
const PUSHES = ['push', 'tag'];

/** `/maestro approve` and `/maestro deny`. */
export async function answerGate(
  context: CommandContext,
  decision: 'approve' | 'deny',
  said: { readonly words: readonly string[]; readonly text: string },
): Promise<string> {
  const { tools, request, pull, person, octokit } = context;
  const { target, isAgain } = await targetOf(context, async () => {
    const runs = await headRuns(tools, request.repository.id, pull);
    const { waiting, reason } = chooseGate(waitingGates(runs), said.words, said.text);
    if (decision === 'approve') assertSeen(waiting.run.view, request.createdAt);
    if (decision === 'approve' && request.reviewedSha !== null && request.reviewedSha !== pull.headSha)
      throw new MaestroError(
        'CONFLICT',
        `the review is of ${request.reviewedSha}, and ${pull.headSha} is newer: look at that one, then approve it`,
      );
    const plan = await tools.engine.readPlan(waiting.run.run);
    if (decision === 'approve' && wantsOthers(plan, waiting.gate))
      await assertNotAuthor(octokit, request.repository, { pull, person, run: waiting.run });
    return { runId: waiting.run.view.id, gate: waiting.gate, reason };
  });
  const run = await tools.engine.resolve(target.runId);
  await tools.engine
    .answerGate(run, {
      ...(target.gate === null ? {} : { gate: target.gate }),
      decision,
      reason: target.reason,
      principal: { provider: 'github', id: person.login },
    })
    .catch((error: unknown) => {
      // Answered before a crash: the gate does not wait any more.
      if (!(isAgain && isMaestroError(error, 'GATE_NOT_OPEN'))) throw error;
    });
  const what = target.gate === null ? 'the run' : `gate **${safeText(target.gate)}**`;
  const because = target.reason === '' ? '' : `: ${safeText(target.reason)}`;
  return `${safeText(person.login)} ${decision === 'approve' ? 'approved' : 'denied'} ${what} of \`${target.runId}\`${because}`;
}

/**
 * Consent is to what its author could see. A commit that is pushed while they write, or before a late delivery, has a run
 * of its own that waits at the same gate. GitHub's times are whole seconds.
 * @throws CONFLICT
 */
function assertSeen(run: RunView, commentedAt: string): void {
  if (Math.floor(Date.parse(run.createdAt) / 1000) > Date.parse(commentedAt) / 1000)
    throw new MaestroError(
      'CONFLICT',
      `run ${run.id} began after the comment was written: look at it, then approve it with a new comment`,
    );
}

/** Whether somebody else than the author has to approve: so, unless the gate itself says that it need not be. */
export function wantsOthers(plan: Plan, gate: string | null): boolean {
  const step = plan.steps.find(({ id }) => id === gate);
  return !(step?.kind === 'gate' && step.with['not-author'] === false);
}

/**
 * The author of a change is who opened its pull request, who pushed it where the push started the run, or wrote or
 * committed its newest commit. People are compared by id, as logins change hands, but for who pushed: a commit's author is
 * what its maker wrote into it, which may be anybody or nobody.
 * @throws APPROVAL_NOT_ALLOWED
 */
export async function assertNotAuthor(
  octokit: Octokit,
  place: { readonly owner: string; readonly name: string },
  who: {
    readonly pull: { readonly authorId: number | null } | null;
    readonly person: Person;
    readonly run: Pick<HeadRun, 'row' | 'view'>;
  },
): Promise<void> {
  const { person, pull, run } = who;
  const { data } = await octokit.rest.repos.getCommit({
    owner: place.owner,
    repo: place.name,
    ref: run.row.headSha,
    per_page: 1,
  });
  const authors = [pull?.authorId, idOf(data.author), idOf(data.committer)];
  if (authors.includes(person.id) || hasPushed(person, run.view))
    throw new MaestroError(
      'APPROVAL_NOT_ALLOWED',
      `${person.login} wrote this change: somebody else with the write role has to approve it`,
    );
}

function hasPushed({ login }: Person, { trigger: { type, actor } }: RunView): boolean {
  return PUSHES.includes(type) && actor.provider === 'github' && actor.id.toLowerCase() === login.toLowerCase();
}

function idOf(user: unknown): number | undefined {
  if (typeof user !== 'object' || user === null || !('id' in user)) return undefined;
  return typeof user.id === 'number' ? user.id : undefined;
}
