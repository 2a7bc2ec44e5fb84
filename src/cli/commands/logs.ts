import type { LogLine } from '../../protocol/event.ts';
import type { Command } from '../command.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { LogLines } from '../log-lines.ts';
import type { Output } from '../output.ts';
import { safeText } from '../terminal-text.ts';

export const logs: Command = async (args, context) =>
  withMaestro(context, {}, async ({ client }) => {
    const stop = new AbortController();
    const unhear = context.onInterrupt(() => stop.abort());
    const step = args.text('step');
    const lines = new LogLines();
    const show = (line: LogLine): void => showLine(line, step === undefined, context.output);
    try {
      for await (const piece of client.readLogs(args.required(0), step, args.has('follow'), stop.signal)) {
        lines.add(piece).forEach(show);
        await context.output.drained();
      }
      lines.finish().forEach(show);
    } finally {
      unhear();
    }
    return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
  });

function showLine(line: LogLine, hasPrefix: boolean, output: Output): void {
  if (output.isJson) return output.jsonLine(line);
  const prefix = hasPrefix ? `${output.paint.dim(`${safeText(line.step)} |`)} ` : '';
  output.line(prefix + safeText(line.text));
}
