import { MaestroError } from '../../base/errors.ts';
import type { Asker, Claim } from '../../protocol/command-record.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import { holderOf, withTeams } from '../people/person-of.ts';
import { hasRole } from '../people/role.ts';
import { type RoleHolder, roleOf } from '../people/role-of.ts';
import { teamsOfRoles } from '../people/teams-named.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import { hasAnswer } from './answer-comment.ts';
import type { CommandContext } from './command-context.ts';
import { type CommentRequest, commentOf } from './comment-request.ts';
import { acknowledge, answer } from './conversation.ts';
import { doCommand } from './do-command.ts';
import { type Command, parseCommands } from './parse-commands.ts';
import { fetchPull, pullEvent } from './pull.ts';
import type { CommandTools, PipelineCommand } from './tools.ts';

/** Who took a comment and did not end within this time has crashed. */
const CLAIM_MS = 120_000;
const HOUR_MS = 3_600_000;
/** Comments with commands that are answered in an hour, of each person below the triage role: each costs calls to GitHub. */
const STRANGERS_ANSWERED_MAX = 10;

/** Does what a new comment asks for, and answers it once: also when it is delivered again, or the server crashed amid it. */
export function handleComments(tools: CommandTools): DeliveryHandler {
  return async (delivery) => {
    const request = commentOf(delivery);
    if (request === undefined) return 'not a new comment of a person';
    const commands = parseCommands(request.body);
    if (commands.length === 0) return 'no commands';
    // An issue has no commit to act on, and the App may read issues only: to hear of comments.
    if (!request.isPull) return 'a comment on an issue: nothing was done';
    const asker = { repositoryId: request.repository.id, personId: request.author.id };
    return claimed(tools, { key: request.key, asker }, async ({ isRetaken, isAcknowledged }, assertOurs) => {
      const { installationId, owner, name: repo } = request.repository;
      const octokit = await tools.access.installation(installationId);
      const holder = await roleOf(octokit, { owner, repo }, request.author);
      if (!hasRole(holder.role, 'triage') && (await tools.records.countOf(asker, HOUR_MS)) > STRANGERS_ANSWERED_MAX)
        return `${request.author.login} asks too often: nothing was done`;
      if (!isAcknowledged && !(await acknowledge(tools, octokit, request)))
        return 'the comment was deleted: nothing was done';
      const person = await acquainted(tools, octokit, request, holder);
      await doAll(tools, { octokit, request, person, deliveryId: delivery.id }, commands);
      const answers = await tools.records.answers(request.key);
      // What was done is done once whoever does it; an answer would stand there twice.
      await assertOurs();
      const note = `${commands.length} ${commands.length === 1 ? 'command' : 'commands'} of ${request.author.login}`;
      if (isRetaken && (await hasAnswer(octokit, tools.appId, request))) return note;
      const isTold = await answer(tools, octokit, request, [...answers.values()]);
      return isTold ? note : `${note}; GitHub takes no answer there`;
    });
  };
}

/** With the teams by which policy gives roles: only of those whose comment is read at all. */
async function acquainted(
  { engine }: CommandTools,
  octokit: CommandContext['octokit'],
  { repository: { installationId, id, owner, name: repo } }: CommentRequest,
  holder: RoleHolder,
): Promise<CommandContext['person']> {
  const data = await engine.policyData(repositoryNamespace(installationId, id));
  return withTeams(octokit, { owner, repo }, holderOf(holder), teamsOfRoles(data));
}

/**
 * Runs `act` unless it was done, by one holder at a time. One that took too long has lost it: `assertOurs` then throws.
 * @throws COMMAND_BUSY while another holder is at it
 */
export async function claimed(
  tools: Pick<CommandTools, 'records' | 'newHolder'>,
  { key, asker }: { readonly key: string; readonly asker?: Asker },
  act: (claim: Claim, assertOurs: () => Promise<void>) => Promise<string>,
): Promise<string> {
  const holder = tools.newHolder();
  const busy = () => new MaestroError('COMMAND_BUSY', `${key} is being done by another delivery of it`);
  const claim = await tools.records.claim(key, holder, CLAIM_MS, asker);
  if (claim.status === 'done') return 'done before';
  if (claim.status === 'busy') throw busy();
  try {
    const note = await act(claim, async () => {
      if (!(await tools.records.renew(key, holder))) throw busy();
    });
    await tools.records.close(key);
    return note;
  } catch (error) {
    await tools.records.release(key, holder);
    throw error;
  }
}

async function doAll(
  tools: CommandTools,
  common: Pick<CommandContext, 'octokit' | 'request' | 'person' | 'deliveryId'>,
  commands: readonly Command[],
): Promise<void> {
  const { octokit, request, person, deliveryId } = common;
  const done = await tools.records.answers(request.key);
  const declared = new Map<string, Promise<readonly PipelineCommand[]>>();
  for (const [index, command] of commands.entries()) {
    if (done.has(index)) continue;
    // Fetched for each: a command may have waited for those before it, and the head may have moved meanwhile.
    const pull = await fetchPull(octokit, request.repository, request.number);
    const pipelineCommands = (): Promise<readonly PipelineCommand[]> => {
      const key = `${pull.headSha} ${pull.baseRef}`;
      const known =
        declared.get(key) ??
        tools.pipelines.commands(pullEvent(request.repository, pull, { actor: person.login, deliveryId }));
      declared.set(key, known);
      return known;
    };
    const context = { ...common, tools, pull, index, pipelineCommands };
    await tools.records.finish(request.key, index, await doCommand(context, command));
  }
}
