import { safeText } from '../report/safe-text.ts';
import type { StartChoice, StartReport } from '../starter.ts';
import { assertOpen } from './assert-open.ts';
import { type CommandContext, occasionOf } from './command-context.ts';
import type { Params } from './parse-commands.ts';
import { grantFor, pullEvent } from './pull.ts';

/** `/maestro run`: all that match, or one pipeline by its name. A fork's commit that nobody vouched for stays held. */
export async function startPipelines(
  context: CommandContext,
  wanted: { readonly pipeline: string | undefined; readonly params: Params },
): Promise<string> {
  const { tools, request, pull, person, deliveryId } = context;
  assertOpen(pull);
  const event = pullEvent(request.repository, pull, { actor: person.login, actorId: person.id, deliveryId });
  const choice: StartChoice = {
    ...(wanted.pipeline === undefined ? {} : { pipeline: wanted.pipeline }),
    params: wanted.params,
    occasion: occasionOf(context),
    isTrusted: await isTrusted(context),
  };
  return reportText(await tools.starter.start(event, choice), pull.headSha);
}

/** A command that a pipeline declares: started by its trigger, so under the pipeline's own rules. */
export async function startByCommand(
  context: CommandContext,
  command: { readonly name: string; readonly params: Params },
): Promise<string> {
  const { tools, request, pull, person, deliveryId } = context;
  assertOpen(pull);
  const { name, params } = command;
  const cause = { actor: person.login, actorId: person.id, deliveryId };
  const event = pullEvent(request.repository, pull, cause, { name, params });
  const choice = { params, occasion: occasionOf(context), isTrusted: await isTrusted(context) };
  return reportText(await tools.starter.start(event, choice), pull.headSha);
}

function isTrusted({ tools, request, pull }: CommandContext): Promise<boolean> | boolean {
  return pull.isFork && tools.grants.isGranted(grantFor(request.repository, pull));
}

export function reportText(report: StartReport, headSha: string): string {
  const names = (list: readonly string[]): string => list.map((name) => `**${safeText(name)}**`).join(', ');
  const lines = [
    report.started.length > 0 &&
      `Started ${report.started.map((one) => `**${safeText(one.pipeline)}** (run \`${one.runId}\`)`).join(', ')} on \`${headSha.slice(0, 12)}\`.`,
    report.held.length > 0 &&
      `Held: ${names(report.held)}. The commit comes from a fork; somebody with the write role has to vouch for it with \`/maestro ok-to-test ${headSha}\`.`,
    report.broken.length > 0 && `Not started, because the file has errors (see the check): ${names(report.broken)}.`,
    report.skipped.length > 0 && `Skipped by their filters: ${names(report.skipped)}.`,
  ].filter((line) => line !== false);
  return lines.length === 0 ? 'There is no pipeline that this starts.' : lines.join('\n');
}
