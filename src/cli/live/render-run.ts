import { formatDuration } from '../../base/duration.ts';
import { isRunFinal, isStepFinal } from '../../protocol/run.ts';
import { shortRunId } from '../format.ts';
import type { Paint } from '../paint.ts';
import { cutText, padText, widthOf } from '../terminal-text.ts';
import { type Fold, foldRows } from './fold-rows.ts';
import { type Glyphs, type Tone, toneOf } from './glyphs.ts';
import type { RunModel, StepRow } from './run-model.ts';
import { detailOf } from './step-detail.ts';

/** Everything that decides how a frame looks: equal arguments give equal lines. */
export interface FrameSetting {
  readonly columns: number;
  /** Lines that the frame may take. */
  readonly rows: number;
  readonly nowMs: number;
  /** Counts frames, for the spinner. */
  readonly frame: number;
  readonly glyphs: Glyphs;
  readonly paint: Paint;
}

/** Head, blank, blank, bar: the lines that are not steps. */
const FIXED_LINES = 4;
const STEP_LINES_MIN = 1;
const ID_SHARE = 0.4;
const DURATION_COLUMNS = 6;

/** The run as lines, none wider than `columns`, at most `rows` of them. */
export function renderRun(model: RunModel, setting: FrameSetting): readonly string[] {
  const fold = foldRows(model.steps, Math.max(STEP_LINES_MIN, setting.rows - FIXED_LINES));
  const layout = layoutOf(fold.shown, setting);
  const steps = fold.shown.map((row, index) =>
    stepLine(row, model, bracketOf(fold.shown, index, setting.glyphs), layout, setting),
  );
  const lines = [
    headLine(model, setting),
    '',
    ...foldedAbove(fold, setting),
    ...steps,
    ...foldedBelow(fold, setting),
    '',
    barLine(model, setting),
  ];
  return lines.slice(0, Math.max(1, setting.rows));
}

interface Layout {
  readonly idColumns: number;
}

function layoutOf(rows: readonly StepRow[], { columns }: FrameSetting): Layout {
  const widest = rows.reduce((max, row) => Math.max(max, widthOf(row.id)), 8);
  return { idColumns: Math.min(widest, Math.max(8, Math.floor(columns * ID_SHARE))) };
}

function headLine(model: RunModel, setting: FrameSetting): string {
  const { paint, glyphs } = setting;
  const end = model.finishedMs ?? setting.nowMs;
  const elapsed = formatDuration(end - (model.startedMs ?? model.createdMs));
  const plain = [model.pipeline, shortRunId(model.id), model.status, elapsed, model.actor].join(` ${glyphs.dot} `);
  if (widthOf(plain) + 1 > setting.columns) return ` ${cutText(plain, setting.columns - 1, glyphs.ellipsis)}`;
  const status = paintTone(model.status, toneOf(model.status), paint);
  const dot = paint.dim(` ${glyphs.dot} `);
  return ` ${[paint.bold(model.pipeline), paint.dim(shortRunId(model.id)), status, elapsed, paint.dim(model.actor)].join(dot)}`;
}

/** Neighbours of one level stand in a bracket: they can run side by side. */
function bracketOf(rows: readonly StepRow[], index: number, glyphs: Glyphs): string {
  const level = rows[index]?.level;
  const isAfter = rows[index - 1]?.level === level;
  const isBefore = rows[index + 1]?.level === level;
  if (isAfter && isBefore) return glyphs.middle;
  if (isAfter) return glyphs.last;
  return isBefore ? glyphs.first : ' ';
}

function stepLine(row: StepRow, model: RunModel, bracket: string, layout: Layout, setting: FrameSetting): string {
  const { columns, paint, glyphs } = setting;
  const id = padText(cutText(row.id, layout.idColumns, glyphs.ellipsis), layout.idColumns);
  const duration = durationOf(row, setting.nowMs).padStart(DURATION_COLUMNS);
  const left = 1 + 1 + 1 + 1 + 1 + layout.idColumns + 1 + DURATION_COLUMNS;
  const detail = cutText(
    detailOf(row, model, setting.nowMs, glyphs.dot),
    Math.max(0, columns - left - 2),
    glyphs.ellipsis,
  );
  const isQuiet = row.status === 'pending' || row.status === 'skipped';
  const line = ` ${paint.dim(bracket)} ${signOf(row, setting)} ${isQuiet ? paint.dim(id) : id} ${paint.dim(duration)}`;
  return `${line}  ${paintDetail(row, detail, paint)}`.trimEnd();
}

function signOf(row: StepRow, { glyphs, paint, frame }: FrameSetting): string {
  const isBackoff = row.status === 'held' && row.holdKind === 'backoff';
  const spinning = glyphs.spinner[frame % glyphs.spinner.length] ?? glyphs.step.running;
  const sign = isBackoff ? glyphs.backoff : row.status === 'running' ? spinning : glyphs.step[row.status];
  return paintTone(sign, toneOf(row.status), paint);
}

function durationOf(row: StepRow, nowMs: number): string {
  if (row.startedMs === null || row.status === 'pending' || row.status === 'ready') return '';
  if (row.status === 'held') return '';
  return formatDuration((row.finishedMs ?? nowMs) - row.startedMs);
}

function foldedAbove({ hiddenDone }: Fold, { paint, glyphs }: FrameSetting): readonly string[] {
  return hiddenDone === 0 ? [] : [`   ${paint.dim(`${glyphs.ellipsis} ${hiddenDone} more done`)}`];
}

function foldedBelow({ hiddenOpen }: Fold, { paint, glyphs }: FrameSetting): readonly string[] {
  return hiddenOpen === 0 ? [] : [`   ${paint.dim(`${glyphs.ellipsis} ${hiddenOpen} more pending`)}`];
}

function barLine(model: RunModel, { columns, paint, glyphs }: FrameSetting): string {
  const total = model.steps.length;
  const bad = model.steps.filter(({ status }) => status === 'failed' || status === 'denied').length;
  const done = model.steps.filter(({ status }) => isStepFinal(status)).length;
  const text = `${done}/${total}${countsText(model, glyphs)}`;
  const barColumns = Math.min(40, columns - widthOf(text) - 4);
  if (barColumns < 5) return ` ${cutText(text, columns - 1, glyphs.ellipsis)}`;
  const filled = total === 0 ? 0 : Math.floor((done / total) * barColumns);
  const filledBad = bad === 0 ? 0 : Math.max(1, Math.floor((bad / total) * barColumns));
  const bar = [
    paint.green(glyphs.barDone.repeat(Math.max(0, filled - filledBad))),
    paint.red(glyphs.barBad.repeat(Math.min(filledBad, filled))),
    paint.dim(glyphs.barOpen.repeat(barColumns - filled)),
  ];
  return ` ${bar.join('')}  ${text}`;
}

function countsText(model: RunModel, glyphs: Glyphs): string {
  const count = (...statuses: readonly string[]): number =>
    model.steps.filter(({ status }) => statuses.includes(status)).length;
  const parts = [
    [count('running'), 'running'],
    [count('held'), 'waiting'],
    [count('failed', 'denied'), 'failed'],
    [isRunFinal(model.status) ? count('skipped') : 0, 'skipped'],
  ] as const;
  return parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => ` ${glyphs.dot} ${number} ${what}`)
    .join('');
}

function paintDetail(row: StepRow, detail: string, paint: Paint): string {
  const tone = toneOf(row.status);
  return tone === 'bad' || tone === 'ask' ? paintTone(detail, tone, paint) : paint.dim(detail);
}

export function paintTone(text: string, tone: Tone, paint: Paint): string {
  return paint[COLOR_OF[tone]](text);
}

const COLOR_OF = { good: 'green', bad: 'red', busy: 'cyan', ask: 'yellow', quiet: 'dim' } as const;
