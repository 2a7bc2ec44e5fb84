import { MaestroError } from '../../base/errors.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import type { Octokit } from '../octokit.ts';
import { roleOf } from '../people/role-of.ts';
import { isThereStill } from './acknowledge.ts';
import { answerComment, hasAnswer } from './answer-comment.ts';
import { type CommentRequest, commentOf } from './comment-request.ts';
import { doCommand } from './do-command.ts';
import { type Command, parseCommands } from './parse-commands.ts';
import { fetchPull } from './pull.ts';
import type { CommandTools } from './tools.ts';

/** Who took a comment and did not end within this time has crashed. */
const CLAIM_MS = 120_000;

/** Does what a new comment asks for, and answers it once: also when it is delivered again, or the server crashed amid it. */
export function handleComments(tools: CommandTools): DeliveryHandler {
  return async (delivery) => {
    const request = commentOf(delivery);
    if (request === undefined) return 'not a new comment of a person';
    const commands = parseCommands(request.body);
    if (commands.length === 0) return 'no commands';
    // An issue has no commit to act on, and the App may read issues only: to hear of comments.
    if (!request.isPull) return 'a comment on an issue: nothing was done';
    return claimed(tools, request.key, async (isRetaken, assertOurs) => {
      const octokit = await tools.access.installation(request.repository.installationId);
      if (!(await isThereStill(octokit, request))) return 'the comment was deleted: nothing was done';
      await doAll(tools, octokit, { request, deliveryId: delivery.id }, commands);
      const answers = await tools.records.answers(request.key);
      // What was done is done once whoever does it; an answer would stand there twice.
      await assertOurs();
      if (!(isRetaken && (await hasAnswer(octokit, tools.appId, request))))
        await answerComment(octokit, request, [...answers.values()]);
      return `${commands.length} ${commands.length === 1 ? 'command' : 'commands'} of ${request.author.login}`;
    });
  };
}

/**
 * Runs `act` unless it was done, by one holder at a time. One that took too long has lost it: `assertOurs` then throws.
 * @throws COMMAND_BUSY while another holder is at it
 */
export async function claimed(
  tools: Pick<CommandTools, 'records' | 'newHolder'>,
  key: string,
  act: (isRetaken: boolean, assertOurs: () => Promise<void>) => Promise<string>,
): Promise<string> {
  const holder = tools.newHolder();
  const busy = () => new MaestroError('COMMAND_BUSY', `${key} is being done by another delivery of it`);
  const { status, isRetaken } = await tools.records.claim(key, holder, CLAIM_MS);
  if (status === 'done') return 'done before';
  if (status === 'busy') throw busy();
  try {
    const note = await act(isRetaken, async () => {
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
  octokit: Octokit,
  { request, deliveryId }: { readonly request: CommentRequest; readonly deliveryId: string },
  commands: readonly Command[],
): Promise<void> {
  const { owner, name: repo } = request.repository;
  const done = await tools.records.answers(request.key);
  const person = await roleOf(octokit, { owner, repo }, request.author);
  for (const [index, command] of commands.entries()) {
    if (done.has(index)) continue;
    // Fetched for each: a command may have waited for those before it, and the head may have moved meanwhile.
    const pull = await fetchPull(octokit, request.repository, request.number);
    const context = { tools, octokit, request, pull, person, deliveryId, index };
    await tools.records.finish(request.key, index, await doCommand(context, command));
  }
}
