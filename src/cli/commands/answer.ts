import { MaestroError } from '../../base/errors.ts';
import { localPrincipal } from '../../base/principal.ts';
import type { GateAnswer } from '../../protocol/client.ts';
import { answerAtServer } from '../answer-at-server.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import type { ExitCode } from '../exit-codes.ts';
import { principalOf, readSecrets } from '../run-request.ts';

export const approve: Command = (args, context) => answer('approve', args, context);
export const deny: Command = (args, context) => answer('deny', args, context);
export const revoke: Command = (args, context) => answer('revoke', args, context);

/** What makes sense of a run in this process alone, or of a server's alone. */
const LOCAL_FLAGS = ['actor', 'secret', 'wait'];
const SERVER_FLAGS = ['plan-digest'];

function answer(decision: GateAnswer['decision'], args: Arguments, context: CommandContext): Promise<ExitCode> {
  const server = args.text('server');
  const wrong = (server === undefined ? SERVER_FLAGS : LOCAL_FLAGS).find((flag) => args.has(flag));
  if (wrong !== undefined)
    throw new MaestroError(
      'USAGE',
      server === undefined ? `--${wrong} goes with --server` : `--${wrong} has no meaning with --server`,
    );
  const call = { run: args.required(0), ...gateOf(args), decision, reason: args.text('reason') ?? '' };
  return server === undefined
    ? answerHere(call, args, context)
    : answerAtServer(server, { ...call, planDigest: args.text('plan-digest') }, context);
}

type Call = Pick<GateAnswer, 'gate' | 'decision' | 'reason'> & { readonly run: string };

function answerHere({ run, ...call }: Call, args: Arguments, context: CommandContext): Promise<ExitCode> {
  const principal = localPrincipal(principalOf(args, context).id);
  return withMaestro(context, readSecrets(args, context), async (maestro) => {
    const sinceMs = context.clock.now();
    const view = await maestro.client.answerGate({ runId: run, ...call, principal, isAuthor: false });
    return driveAndReport(view, maestro, context, { isWaiting: args.has('wait'), sinceMs });
  });
}

function gateOf(args: Arguments): { readonly gate?: string } {
  const [named, flag] = [args.positionals[1], args.text('gate')];
  if (named !== undefined && flag !== undefined)
    throw new MaestroError('USAGE', `expected one gate, got ${named} and --gate ${flag}`);
  const gate = named ?? flag;
  return gate === undefined ? {} : { gate };
}
