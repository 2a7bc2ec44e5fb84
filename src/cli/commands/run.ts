import type { Command } from '../command.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import { readRunRequest, readSecrets } from '../run-request.ts';

export const run: Command = async (args, context) => {
  const secrets = readSecrets(args, context);
  const request = await readRunRequest(args, context);
  return withMaestro(context, secrets, async (maestro) => {
    const view = await maestro.client.startRun(request);
    return driveAndReport(view, maestro, context, { isWaiting: args.has('wait'), sinceMs: 0 });
  });
};
