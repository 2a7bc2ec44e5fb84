import { safeText } from '../report/safe-text.ts';
import { assertOpen } from './assert-open.ts';
import { type CommandContext, targetOf } from './command-context.ts';
import { type Cause, grantFor, type Pull, pullEvent } from './pull.ts';
import { wasRetargeted } from './retargeted.ts';
import { reportText } from './start-pipelines.ts';
import type { CommandTools } from './tools.ts';

/** `/maestro ok-to-test`: records the grant for the head that was meant, then starts what is held. */
export async function vouch(context: CommandContext, sha: string | undefined): Promise<string> {
  const { tools, request, pull, person, deliveryId } = context;
  assertOpen(pull);
  if (!pull.isFork) return 'The commit lies in this repository, not in a fork: it needs nobody to vouch for it.';
  const { target } = await targetOf(context, async () => ({
    headSha: pull.headSha,
    baseRef: pull.baseRef,
    refusal: refusalOf(pull, sha, request) ?? (await refusalOfBase(context)),
  }));
  if (target.refusal !== null) return target.refusal;
  if (target.headSha !== pull.headSha || target.baseRef !== pull.baseRef)
    return 'There is a newer commit or another base branch by now, which the permission does not cover: read it and vouch for it.';
  return grantAndStart(tools, request.repository, pull, { actor: person.login, actorId: person.id, deliveryId });
}

/** Writes the grant for the head of a fork, and starts what its event matches. Asked again it starts nothing anew. */
export async function grantAndStart(
  { grants, starter }: Pick<CommandTools, 'grants' | 'starter'>,
  repository: CommandContext['request']['repository'],
  pull: Pull,
  cause: Cause,
): Promise<string> {
  await grants.grant({ ...grantFor(repository, pull), grantedBy: cause.actor });
  const report = await starter.start(pullEvent(repository, pull, cause), { isTrusted: true });
  return `${safeText(cause.actor)} vouched for \`${pull.headSha}\`; a push, or another base branch, voids that.\n${reportText(report, pull.headSha)}`;
}

/**
 * Why the head is not shown to be the one that was meant; null where it is. A whole SHA says which one. Otherwise the
 * repository of the head must not have been pushed to since the comment: both times are GitHub's own, in seconds, so the
 * same second is too late. A push to another branch of the fork counts as well, since nothing tells them apart.
 */
function refusalOf(
  pull: Pull,
  sha: string | undefined,
  { createdAt, reviewedSha }: CommandContext['request'],
): string | null {
  if (sha !== undefined && !pull.headSha.startsWith(sha))
    return `\`${sha}\` is not the newest commit of this pull request, which is \`${pull.headSha}\`. Read that one before you vouch for it.`;
  if (sha === pull.headSha) return null;
  if (reviewedSha !== null && reviewedSha !== pull.headSha)
    return `Not vouched for: the review is of \`${reviewedSha}\`, and there is a newer commit. Read \`${pull.headSha}\`, then write \`/maestro ok-to-test ${pull.headSha}\`.`;
  const pushedAt = pull.headPushedAt === null ? Number.NaN : Date.parse(pull.headPushedAt);
  const isOlder = pushedAt < Date.parse(createdAt);
  if (isOlder) return null;
  const why = Number.isNaN(pushedAt)
    ? 'it is not known when the fork was last pushed to'
    : 'the fork was pushed to after your comment, or in the same second';
  return `Not vouched for: ${why}, so this may not be the commit that you read. Read \`${pull.headSha}\`, then write \`/maestro ok-to-test ${pull.headSha}\`.`;
}

/** The pipelines come from the base branch, and the author of a pull request may change it while somebody else reads. */
async function refusalOfBase({ octokit, request, pull }: CommandContext): Promise<string | null> {
  if (!(await wasRetargeted(octokit, request.repository, pull.number, request.createdAt))) return null;
  return `Not vouched for: the base branch was changed after your comment, or in the same second. It is \`${safeText(pull.baseRef)}\` now, whose pipelines would run: look at it, then write \`/maestro ok-to-test ${pull.headSha}\` anew.`;
}
