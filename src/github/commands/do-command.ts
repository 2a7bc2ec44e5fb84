import { ERROR_CODES } from '../../base/error-codes.ts';
import { isMaestroError } from '../../base/errors.ts';
import { hasRole } from '../people/role.ts';
import { safeText } from '../report/safe-text.ts';
import { answerGate } from './answer-gate.ts';
import { cancelRuns } from './cancel-runs.ts';
import type { CommandContext } from './command-context.ts';
import type { Verb } from './command-table.ts';
import { explainSteps } from './explain-steps.ts';
import { denialText, helpText, unknownText } from './help-text.ts';
import { assertMayDo } from './may-do.ts';
import type { Command } from './parse-commands.ts';
import { retryRuns } from './retry-runs.ts';
import { showPlan } from './show-plan.ts';
import { showLogs, showStatus } from './show-runs.ts';
import { startByCommand, startPipelines } from './start-pipelines.ts';
import { vouch } from './vouch.ts';

/**
 * Does one command and answers it. What a person can put right is an answer; what may work later, or is broken, is thrown.
 */
export async function doCommand(context: CommandContext, command: Command): Promise<string> {
  const { tools, person, request } = context;
  if (command.verb === 'invalid') return `Not understood: ${command.problem}.`;
  try {
    if (command.verb === 'other') return await doPipelineCommand(context, command);
    await assertMayDo(tools.engine, request, person, command.verb);
    // Each verb of the table takes the command of its own name.
    const act = VERBS[command.verb] as (context: CommandContext, known: typeof command) => Promise<string>;
    return await act(context, command);
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    const kind = ERROR_CODES[error.code];
    if (kind.httpStatus >= 500 || kind.isRetryable) throw error;
    return `Not done: ${safeText(error.message)}.`;
  }
}

/** What is done for whom policy allows it. */
const VERBS: {
  readonly [V in Verb]: (context: CommandContext, command: Extract<Command, { verb: V }>) => Promise<string>;
} = {
  help,
  status: showStatus,
  plan: showPlan,
  cancel: cancelRuns,
  run: startPipelines,
  retry: (context, { step }) => retryRuns(context, step),
  explain: (context, { step }) => explainSteps(context, step),
  logs: (context, { step }) => showLogs(context, step),
  approve: (context, said) => answerGate(context, 'approve', said),
  deny: (context, said) => answerGate(context, 'deny', said),
  revoke: (context, said) => answerGate(context, 'revoke', said),
  'ok-to-test': (context, { sha }) => vouch(context, sha),
};

async function help(context: CommandContext): Promise<string> {
  return helpText(context.request.isPublic, await context.pipelineCommands());
}

async function doPipelineCommand(
  context: CommandContext,
  command: Extract<Command, { verb: 'other' }>,
): Promise<string> {
  const own = await context.pipelineCommands();
  const meant = own.filter(({ name }) => name === command.name);
  if (meant.length === 0) return unknownText(command.name, own);
  const { role } = context.person;
  const missing = meant.find(({ permission }) => !hasRole(role, permission));
  if (missing) return denialText(command.name, missing.permission, role);
  if (command.words.length > 0) return 'Not understood: after the command come parameters as `key=value`.';
  return startByCommand(context, command);
}
