import { messageOf } from '../base/errors.ts';
import { isRunFinal, type RunView } from '../protocol/run.ts';
import type { CommandContext, LocalMaestro } from './context.ts';
import { EXIT, type ExitCode, exitCodeOfRun } from './exit-codes.ts';
import { RunFollower } from './follow-run.ts';
import { shortRunId } from './format.ts';
import { showRunSummary, waitingSteps } from './live/run-summary.ts';
import { safeText } from './terminal-text.ts';

export interface DriveOptions {
  /** Stays while the run waits for people, and goes on when somebody else answers. */
  readonly isWaiting: boolean;
  /** What happened before is not shown: the reader saw it in another process. 0 shows everything. */
  readonly sinceMs: number;
}

export interface Driven {
  readonly view: RunView;
  /** The reader left: the run is as it was, for `resume`. */
  readonly isLeft: boolean;
}

/** Works a run, shows it and answers the exit code. */
export async function driveAndReport(
  view: RunView,
  maestro: LocalMaestro,
  context: CommandContext,
  options: DriveOptions,
): Promise<ExitCode> {
  const follower = new RunFollower(view, maestro.client, context, options.sinceMs);
  const driven = await drive(follower, maestro, context, options);
  reportRun(driven.view, follower, context);
  return driven.isLeft ? EXIT.interrupted : exitCodeOfRun(driven.view);
}

/** Works a run until it ends, waits for people or the reader leaves. */
export async function drive(
  follower: RunFollower,
  maestro: LocalMaestro,
  context: CommandContext,
  options: DriveOptions,
): Promise<Driven> {
  const leave = new AbortController();
  const unhear = hearInterrupts(follower, maestro, context, leave);
  follower.start();
  try {
    await maestro.drive(follower.model.id, leave.signal);
    if (options.isWaiting) await driveAfterAnswers(follower, maestro, leave.signal);
    const view = await follower.end();
    return { view, isLeft: leave.signal.aborted && !isRunFinal(view.status) };
  } finally {
    unhear();
    follower.abandon();
  }
}

function reportRun(view: RunView, follower: RunFollower, context: CommandContext): void {
  if (context.output.isJson) context.output.json(view);
  else showRunSummary(view, follower.model, context);
}

/** Each fact about a waiting run may be the answer that lets it go on. */
async function driveAfterAnswers(follower: RunFollower, maestro: LocalMaestro, signal: AbortSignal): Promise<void> {
  for (let seq = -1; ; ) {
    const view = await maestro.client.readRun(follower.model.id);
    if (isRunFinal(view.status) || signal.aborted) return;
    const isStill = waitingSteps(view).length > 0 || follower.model.lastSeq === seq;
    seq = follower.model.lastSeq;
    if (isStill) await follower.nextEvent(signal);
    await maestro.drive(follower.model.id, signal);
  }
}

/** Ctrl-C once cancels; a second one, or SIGTERM, leaves the run as it is. */
function hearInterrupts(
  follower: RunFollower,
  maestro: LocalMaestro,
  context: CommandContext,
  leave: AbortController,
): () => void {
  const id = shortRunId(follower.model.id);
  let isCancelled = false;
  return context.onInterrupt((signal) => {
    if (signal === 'terminate' || isCancelled) {
      follower.watcher.note(`leaving the run as it is; go on with: maestro resume ${id}`);
      leave.abort();
      return;
    }
    isCancelled = true;
    follower.watcher.note('cancelling the run; press Ctrl-C again to leave it as it is for `maestro resume`');
    maestro.client
      .cancelRun(follower.model.id, `interrupted by ${context.principal.provider}:${context.principal.id}`)
      .catch((error: unknown) => follower.watcher.note(`cannot cancel: ${safeText(messageOf(error))}`));
  });
}

/** Opens Maestro for one piece of work and closes it however that ends. */
export async function withMaestro<T>(
  context: CommandContext,
  secrets: Readonly<Record<string, string>>,
  work: (maestro: LocalMaestro) => Promise<T>,
): Promise<T> {
  const maestro = await context.openMaestro({ secrets });
  try {
    return await work(maestro);
  } finally {
    await maestro.close();
  }
}
