import { isoTime } from '../../base/clock.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { localPrincipal } from '../../base/principal.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { RunTrigger } from '../../protocol/client.ts';
import { textAt } from '../intake/payload.ts';
import type { Octokit } from '../octokit.ts';
import type { Person } from '../people/role-of.ts';
import { safeText } from '../report/safe-text.ts';
import { type CommandContext, targetOf } from './command-context.ts';
import { headRuns } from './head-runs.ts';
import { chooseGate } from './waiting-gates.ts';

const SECOND_MS = 1000;

/** Types of triggers whose actor pushed the commit, of runs whose trigger does not say who did. */
const PUSHES = ['push', 'tag', 'dispatch'];

/** `/maestro approve` and `/maestro deny`. */
export async function answerGate(
  context: CommandContext,
  decision: 'approve' | 'deny',
  said: { readonly words: readonly string[]; readonly text: string },
): Promise<string> {
  const { tools, request, person } = context;
  const { target, isAgain } = await targetOf(context, () => chosen(context, decision, said));
  const run = await tools.engine.resolve(target.runId);
  await tools.engine
    .answerGate(run, {
      gate: target.gate,
      decision,
      reason: target.reason,
      principal: { ...localPrincipal(person.login), provider: 'github', account: String(person.id) },
      isAuthor: false,
      begunBefore: lastSeen(request.createdAt, target.isNamed),
    })
    .catch((error: unknown) => {
      // Answered before a crash: the gate does not wait any more.
      if (!(isAgain && isMaestroError(error, 'GATE_NOT_OPEN'))) throw error;
    });
  const what = target.gate === null ? 'the run' : `gate **${safeText(target.gate)}**`;
  const because = target.reason === '' ? '' : `: ${safeText(target.reason)}`;
  return `${safeText(person.login)} ${decision === 'approve' ? 'approved' : 'denied'} ${what} of \`${target.runId}\`${because}`;
}

/** @throws GATE_NOT_OPEN, CONFLICT, APPROVAL_NOT_ALLOWED */
async function chosen(
  { tools, request, pull, person, octokit }: CommandContext,
  decision: 'approve' | 'deny',
  said: { readonly words: readonly string[]; readonly text: string },
): Promise<{
  readonly runId: string;
  readonly gate: string | null;
  readonly reason: string;
  readonly isNamed: boolean;
}> {
  const { reviewedSha } = request;
  const { waiting, reason, isNamed } = chooseGate(await headRuns(tools, request.repository.id, pull), said);
  const { run, view } = waiting.run;
  if (decision === 'approve' && reviewedSha !== null && reviewedSha !== pull.headSha)
    throw new MaestroError(
      'CONFLICT',
      `the review is of ${reviewedSha}, and ${pull.headSha} is newer: look at that one, then approve it`,
    );
  if (decision === 'approve' && wantsOthers(await tools.engine.readPlan(run), waiting.gate)) {
    const trigger = await tools.engine.readTrigger(run);
    await assertNotAuthor(octokit, request.repository, { pull, person, trigger, headSha: pull.headSha });
  }
  return { runId: view.id, gate: waiting.gate, reason, isNamed };
}

/**
 * Consent is to what its author could see: what began to wait later, while they wrote or before a late delivery, wants to be
 * looked at. GitHub's times are whole seconds. Within that second a gate that was named may have been seen; one that was
 * not may be another than the one that waited when they wrote.
 */
function lastSeen(commentedAt: string, isNamed: boolean): string {
  return isoTime(Date.parse(commentedAt) + (isNamed ? SECOND_MS : 0));
}

/** Whether somebody else than the author has to approve: so, unless the gate itself says that it need not be. */
export function wantsOthers(plan: Plan, gate: string | null): boolean {
  const step = plan.steps.find(({ id }) => id === gate);
  return !(step?.kind === 'gate' && step.with['not-author'] === false);
}

/**
 * The author of a change is who opened its pull request, who pushed it, or wrote or committed its newest commit. People are
 * compared by id, as logins change hands, but for who pushed: a commit's author is what its maker wrote into it, which may
 * be anybody or nobody.
 * @throws APPROVAL_NOT_ALLOWED
 */
export async function assertNotAuthor(
  octokit: Octokit,
  place: { readonly owner: string; readonly name: string },
  who: {
    readonly pull: { readonly authorId: number | null } | null;
    readonly person: Person;
    readonly trigger: RunTrigger;
    readonly headSha: string;
  },
): Promise<void> {
  const { person, pull, trigger, headSha } = who;
  const { data } = await octokit.rest.repos.getCommit({
    owner: place.owner,
    repo: place.name,
    ref: headSha,
    per_page: 1,
  });
  const authors = [pull?.authorId, idOf(data.author), idOf(data.committer)];
  if (authors.includes(person.id) || pusherOf(trigger)?.toLowerCase() === person.login.toLowerCase())
    throw new MaestroError(
      'APPROVAL_NOT_ALLOWED',
      `${person.login} wrote this change: somebody else with the write role has to approve it`,
    );
}

function pusherOf({ type, actor, github }: RunTrigger): string | undefined {
  const told = textAt(github, 'event.pusher.name');
  return told ?? (PUSHES.includes(type) && actor.provider === 'github' ? actor.id : undefined);
}

function idOf(user: unknown): number | undefined {
  if (typeof user !== 'object' || user === null || !('id' in user)) return undefined;
  return typeof user.id === 'number' ? user.id : undefined;
}
