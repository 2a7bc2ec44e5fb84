import type { Command } from '../command.ts';
import { driveAndReport, withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';

export const cancel: Command = async (args, context) =>
  withMaestro(context, {}, async (maestro) => {
    const sinceMs = context.clock.now();
    const { provider, id } = context.principal;
    const view = await maestro.client.cancelRun(
      args.required(0),
      args.text('reason') ?? `cancelled by ${provider}:${id}`,
    );
    const code = await driveAndReport(view, maestro, context, { isWaiting: false, sinceMs });
    const { status } = await maestro.client.readRun(view.id);
    return status === 'cancelled' ? EXIT.ok : code;
  });
