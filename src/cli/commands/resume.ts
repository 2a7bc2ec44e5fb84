import type { Command } from '../command.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import { readSecrets } from '../run-request.ts';

export const resume: Command = async (args, context) =>
  withMaestro(context, readSecrets(args, context), async (maestro) => {
    const sinceMs = context.clock.now();
    const view = await maestro.client.resumeRun(args.positionals[0] ?? 'latest');
    return driveAndReport(view, maestro, context, { isWaiting: args.has('wait'), sinceMs });
  });
