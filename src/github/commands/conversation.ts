import { askedPauseMs, isRefusal, Later } from '../intake/failure.ts';
import type { Octokit } from '../octokit.ts';
import { isThereStill } from './acknowledge.ts';
import { answerComment } from './answer-comment.ts';
import type { CommentRequest } from './comment-request.ts';
import type { CommandTools } from './tools.ts';

/**
 * Acknowledges a comment; false where it was deleted. That costs a write: without one it is taken to be there, and what it
 * asks for is not put off. It is done once: another would cost a write that the answer needs.
 */
export async function acknowledge(tools: CommandTools, octokit: Octokit, request: CommentRequest): Promise<boolean> {
  const isThere =
    request.kind === 'review' || (await writeIn(tools, request)) > 0 || (await isThereStill(octokit, request));
  if (isThere) await tools.records.acknowledged(request.key);
  return isThere;
}

/**
 * Posts the answers; false where GitHub takes none, as on a locked conversation.
 * @throws RATE_LIMITED where they have to come later: what was done is kept
 */
export async function answer(
  tools: CommandTools,
  octokit: Octokit,
  request: CommentRequest,
  answers: readonly string[],
): Promise<boolean> {
  const waitMs = await writeIn(tools, request);
  if (waitMs > 0) throw new Later('the writes that GitHub allows are used up: the answer comes later', waitMs);
  try {
    await answerComment(octokit, request, answers);
    return true;
  } catch (error) {
    const pauseMs = askedPauseMs(error);
    if (pauseMs > 0) await tools.allowance.close(request.repository.installationId, tools.clock.now() + pauseMs);
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Takes a write of the installation: 0, or the milliseconds until there is one. */
async function writeIn({ allowance, clock }: CommandTools, { repository }: CommentRequest): Promise<number> {
  const ask = { purpose: 'answer', atMost: 1, nowMs: clock.now() } as const;
  return (await allowance.take(repository.installationId, ask)).waitMs;
}
