import type { CommandContext } from '../context.ts';
import { LiveView } from './live-view.ts';
import { PlainView } from './plain-view.ts';
import type { RunModel } from './run-model.ts';
import type { RunWatcher } from './watcher.ts';

/** A live picture on a terminal, lines in a pipe; with `--json` nothing, so that the answer stands alone. */
export function createWatcher(model: RunModel, context: CommandContext): RunWatcher {
  if (context.output.isJson) return silentWatcher(context);
  return context.terminal.isTty ? new LiveView(model, context) : new PlainView(model, context);
}

function silentWatcher({ output }: CommandContext): RunWatcher {
  const nothing = (): void => {};
  return { start: nothing, event: nothing, log: nothing, end: nothing, note: (text) => output.note(text) };
}
