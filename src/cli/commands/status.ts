import { MaestroError } from '../../base/errors.ts';
import type { RunSummary, RunView } from '../../protocol/run.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT } from '../exit-codes.ts';
import { agoText, durationText, shortRunId } from '../format.ts';
import { ASCII_GLYPHS, toneOf, UNICODE_GLYPHS } from '../live/glyphs.ts';
import { paintTone, renderRun } from '../live/render-run.ts';
import { RunModel } from '../live/run-model.ts';
import { showRunSummary } from '../live/run-summary.ts';
import { safeText } from '../terminal-text.ts';
import { textTable } from '../text-table.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 1000;

export const status: Command = async (args, context) => {
  const limit = readLimit(args);
  const name = args.positionals[0];
  return withMaestro(context, {}, async ({ client }) => {
    if (name === undefined) listRuns(await client.listRuns(limit), context);
    else showRun(await client.readRun(name), context);
    return EXIT.ok;
  });
};

function readLimit(args: Arguments): number {
  const text = args.text('limit');
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new MaestroError('USAGE', `expected --limit between 1 and ${LIMIT_MAX}, got '${text}'`);
}

function listRuns(runs: readonly RunSummary[], { output, terminal, clock }: CommandContext): void {
  if (output.isJson) return output.json(runs);
  if (runs.length === 0) {
    output.line('no runs yet');
    output.next('maestro run');
    return;
  }
  const nowMs = clock.now();
  const rows = runs.map((run) => [
    shortRunId(run.id),
    run.status,
    durationText(run.createdAt, run.finishedAt, nowMs),
    agoText(run.createdAt, nowMs),
    safeText(run.pipeline),
  ]);
  const style = (text: string, row: number, column: number): string => {
    const run = runs[row - 1];
    if (!run) return output.paint.dim(text);
    return column === 1 ? paintTone(text, toneOf(run.status), output.paint) : text;
  };
  const header = ['RUN', 'STATUS', 'TOOK', 'BEGAN', 'PIPELINE'];
  for (const line of textTable([header, ...rows], terminal.size().columns, style)) output.line(line);
}

/** The whole graph, not folded: this is a page to scroll, not a screen. */
function showRun(view: RunView, context: CommandContext): void {
  const { output, terminal, clock } = context;
  if (output.isJson) return output.json(view);
  const model = new RunModel(view);
  const glyphs = terminal.hasUnicode ? UNICODE_GLYPHS : ASCII_GLYPHS;
  const setting = {
    columns: terminal.size().columns,
    rows: Number.POSITIVE_INFINITY,
    nowMs: clock.now(),
    frame: 0,
    glyphs,
    paint: output.paint,
  };
  for (const line of renderRun(model, setting)) output.line(line);
  showRunSummary(view, model, context);
}
