import { MaestroError } from '../../base/errors.ts';
import type { RetryScope } from '../../protocol/client.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import { readSecrets } from '../run-request.ts';

export const retry: Command = async (args, context) => {
  const scope = readScope(args);
  return withMaestro(context, readSecrets(args, context), async (maestro) => {
    const view = await maestro.client.retryRun(args.required(0), scope);
    return driveAndReport(view, maestro, context, { isWaiting: args.has('wait'), sinceMs: 0 });
  });
};

function readScope(args: Arguments): RetryScope {
  const step = args.text('from');
  const given = ['failed', 'all', 'from'].filter((flag) => args.has(flag));
  if (given.length > 1)
    throw new MaestroError('USAGE', `expected one of --failed, --all and --from, got --${given.join(' and --')}`);
  if (step !== undefined) return { type: 'from', step };
  return { type: args.has('all') ? 'all' : 'failed' };
}
