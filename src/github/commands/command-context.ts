import type { JsonObject } from '../../base/json.ts';
import type { Octokit } from '../octokit.ts';
import type { KnownPerson } from '../people/person-of.ts';
import type { CommentRequest } from './comment-request.ts';
import type { Pull } from './pull.ts';
import type { CommandTools, PipelineCommand } from './tools.ts';

/** One command of a comment on a pull request, by somebody who may give it. */
export interface CommandContext {
  readonly tools: CommandTools;
  readonly octokit: Octokit;
  readonly request: CommentRequest;
  readonly pull: Pull;
  readonly person: KnownPerson;
  readonly deliveryId: string;
  /** Position in the comment. */
  readonly index: number;
  /** What the pipelines of the pull request declare; read once for all commands of a comment. */
  readonly pipelineCommands: () => Promise<readonly PipelineCommand[]>;
}

/** Equal for a command however often it is delivered: what it starts is started once. */
export function occasionOf({ request, index }: CommandContext): string {
  return `${request.key}/${index}`;
}

/**
 * What the command acts on. It is chosen once: who takes over after a crash must not approve the next gate, or cancel the
 * next run, because the first one is done.
 */
export async function targetOf<Target extends JsonObject>(
  { tools, request, index }: CommandContext,
  choose: () => Promise<Target>,
): Promise<{ readonly target: Target; readonly isAgain: boolean }> {
  const known = await tools.records.target(request.key, index);
  if (known !== undefined) return { target: known as Target, isAgain: true };
  const target = await choose();
  return { target: (await tools.records.intend(request.key, index, target)) as Target, isAgain: false };
}
