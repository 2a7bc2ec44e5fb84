import { localPrincipal } from '../../base/principal.ts';
import type { GateAnswer } from '../../protocol/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import type { ExitCode } from '../exit-codes.ts';
import { principalOf, readSecrets } from '../run-request.ts';

export const approve: Command = (args, context) => answerGate('approve', args, context);
export const deny: Command = (args, context) => answerGate('deny', args, context);

async function answerGate(
  decision: GateAnswer['decision'],
  args: Arguments,
  context: CommandContext,
): Promise<ExitCode> {
  const gate = args.text('gate');
  const answer: GateAnswer = {
    runId: args.required(0),
    ...(gate === undefined ? {} : { gate }),
    decision,
    reason: args.text('reason') ?? '',
    principal: localPrincipal(principalOf(args, context).id),
    isAuthor: false,
  };
  return withMaestro(context, readSecrets(args, context), async (maestro) => {
    const sinceMs = context.clock.now();
    const view = await maestro.client.answerGate(answer);
    return driveAndReport(view, maestro, context, { isWaiting: args.has('wait'), sinceMs });
  });
}
