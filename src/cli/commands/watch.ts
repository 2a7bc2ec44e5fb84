import { isRunFinal, type RunView } from '../../protocol/run.ts';
import type { Command } from '../command.ts';
import type { CommandContext, LocalMaestro } from '../context.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT, type ExitCode, exitCodeOfRun } from '../exit-codes.ts';
import { RunFollower } from '../follow-run.ts';
import { showRunSummary } from '../live/run-summary.ts';

export const watch: Command = async (args, context) =>
  withMaestro(context, {}, async (maestro) => {
    const view = await maestro.client.readRun(args.required(0));
    return context.output.isJson ? streamEvents(view, maestro, context) : showRun(view, maestro, context);
  });

async function showRun(before: RunView, maestro: LocalMaestro, context: CommandContext): Promise<ExitCode> {
  const follower = new RunFollower(before, maestro.client, context, 0);
  const { stopped, unhear } = hearStop(context);
  follower.start();
  try {
    await Promise.race([follower.finished(), stopped]);
    const view = await follower.end();
    showRunSummary(view, follower.model, context);
    return exitCodeOfWatch(view);
  } finally {
    unhear();
    follower.abandon();
  }
}

async function streamEvents({ id }: RunView, maestro: LocalMaestro, context: CommandContext): Promise<ExitCode> {
  const { signal, unhear } = hearStop(context);
  try {
    for await (const event of maestro.client.followRun(id, 0, signal)) {
      context.output.jsonLine(event);
      await context.output.drained();
    }
  } finally {
    unhear();
  }
  return exitCodeOfWatch(await maestro.client.readRun(id));
}

/** The run goes on without its watcher. */
function exitCodeOfWatch(view: RunView): ExitCode {
  return isRunFinal(view.status) ? exitCodeOfRun(view) : EXIT.interrupted;
}

function hearStop(context: CommandContext): { stopped: Promise<void>; signal: AbortSignal; unhear: () => void } {
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return { stopped, signal: stop.signal, unhear: context.onInterrupt(() => stop.abort()) };
}
