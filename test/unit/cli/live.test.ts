import { describe, expect, it } from 'vitest';
import { foldRows } from '../../../src/cli/live/fold-rows.ts';
import { ASCII_GLYPHS, UNICODE_GLYPHS } from '../../../src/cli/live/glyphs.ts';
import { type FrameSetting, renderRun } from '../../../src/cli/live/render-run.ts';
import { RunModel } from '../../../src/cli/live/run-model.ts';
import { Screen } from '../../../src/cli/live/screen.ts';
import { createPaint } from '../../../src/cli/paint.ts';
import { widthOf } from '../../../src/cli/terminal-text.ts';
import type { RunEvent, RunEventType } from '../../../src/protocol/event.ts';
import type { RunView, StepView } from '../../../src/protocol/run.ts';
import { RUN_ID, runView, stepView } from '../../fakes/client.ts';

const BEGAN = '2026-01-02T03:04:00.000Z';
const instant = (ms: number): string => new Date(Date.parse(BEGAN) + ms).toISOString();
const PLAIN = createPaint(false);

function frame(model: RunModel, changes: Partial<FrameSetting> = {}): readonly string[] {
  const setting = {
    columns: 72,
    rows: 24,
    nowMs: Date.parse(instant(12_400)),
    frame: 0,
    glyphs: UNICODE_GLYPHS,
    paint: PLAIN,
  };
  return renderRun(model, { ...setting, ...changes });
}

function busyRun(): RunView {
  const done = (id: string, needs: string[], ms: number, changes: Partial<StepView> = {}): StepView =>
    stepView(id, needs, { status: 'succeeded', attempts: 1, startedAt: BEGAN, finishedAt: instant(ms), ...changes });
  return runView([
    done('install', [], 9100, { isCacheHit: true }),
    done('lint', ['install'], 4000),
    stepView('types', ['install'], { status: 'running', attempts: 1, startedAt: instant(10_000) }),
    stepView('test[22]', ['install'], { status: 'running', attempts: 2, startedAt: instant(11_300) }),
    stepView('test[24]', ['install'], {
      status: 'failed',
      attempts: 1,
      startedAt: instant(9100),
      finishedAt: instant(11_100),
      exitCode: 3,
      reason: 'exited with 3',
    }),
    stepView('gate', ['lint'], {
      kind: 'gate',
      status: 'held',
      hold: { kind: 'gate', reason: 'needs a release manager', dueAt: null },
    }),
    stepView('pack', ['lint', 'types', 'test[22]', 'test[24]']),
  ]);
}

const event = (
  seq: number,
  type: RunEventType,
  step: string | null,
  data = {},
  attempt: number | null = null,
): RunEvent => ({
  seq,
  runId: RUN_ID,
  at: instant(seq * 1000),
  type,
  step,
  attempt,
  data,
});

describe('the live graph', () => {
  it('shows what runs, what waits and why, and what comes after what', () => {
    const model = new RunModel(busyRun());
    model.applyLog({ step: 'types', attempt: 1, text: 'checking src/engine/transition.ts' });
    expect(frame(model)).toEqual([
      ' golden · 01kdxyz0a0 · running · 12s · local:ana',
      '',
      '   ✓ install    9.1s  cached',
      ' ╭ ✓ lint       4.0s',
      ' │ ⠋ types      2.4s  checking src/engine/transition.ts',
      ' │ ⠋ test[22]   1.1s  attempt 2',
      ' ╰ ✗ test[24]   2.0s  exited with 3',
      ' ╭ ‖ gate             waits for approval: needs a release manager',
      ' ╰ ◌ pack             after types, test',
      '',
      ' ━━━━━━━━━━━━──────────────────  3/7 · 2 running · 1 waiting · 1 failed',
    ]);
  });

  it('has an ASCII form', () => {
    const lines = frame(new RunModel(busyRun()), { glyphs: ASCII_GLYPHS });
    // oxlint-disable-next-line no-control-regex -- ASCII is a range of codes
    for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect(lines[6]).toBe(' \\ x test[24]   2.0s  exited with 3');
  });

  it.each([20, 40, 71, 200])('is never wider than %i columns', (columns) => {
    const model = new RunModel(busyRun());
    model.applyLog({ step: 'types', attempt: 1, text: '日本語'.repeat(90) });
    for (const line of frame(model, { columns })) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  it('folds a graph that is higher than the terminal around what happens now', () => {
    const steps = Array.from({ length: 300 }, (_, index) => {
      const id = `s${index}`;
      if (index < 80) return stepView(id, [], { status: 'succeeded', startedAt: BEGAN, finishedAt: instant(500) });
      return index === 80 ? stepView(id, [], { status: 'running', startedAt: instant(12_000) }) : stepView(id);
    });
    const lines = frame(new RunModel(runView(steps)), { rows: 12 });
    expect(lines).toHaveLength(12);
    expect(lines[2]).toBe('   … 77 more done');
    expect(lines.slice(3, 9).map((line) => line.trim().split(/\s+/)[2])).toEqual([
      's77',
      's78',
      's79',
      's80',
      's81',
      's82',
    ]);
    expect(lines[9]).toBe('   … 217 more pending');
  });

  it('keeps failures and waits in sight when it folds', () => {
    const steps = Array.from({ length: 50 }, (_, index) => stepView(`s${index}`));
    steps[40] = stepView('broken', [], { status: 'failed' });
    steps[45] = stepView('gate', [], { status: 'held', hold: { kind: 'gate', reason: '', dueAt: null } });
    const fold = foldRows(new RunModel(runView(steps)).steps, 5);
    expect(fold.shown.map(({ id }) => id)).toEqual(expect.arrayContaining(['broken', 'gate']));
    expect(fold.shown).toHaveLength(4);
    expect(fold.hiddenOpen + fold.hiddenDone + fold.shown.length).toBe(50);
  });

  it('shows a hostile log line without its escape sequences', () => {
    const model = new RunModel(busyRun());
    model.applyLog({ step: 'types', attempt: 1, text: '\u001b]0;owned\u0007\u001b[2J\u001b[Hhello' });
    expect(frame(model)[4]).toBe(' │ ⠋ types      2.4s  hello');
  });
});

describe('the model of a run', () => {
  it('follows a step through failure, backoff and success by events alone', () => {
    const model = new RunModel(runView([stepView('test')]));
    model.apply(event(1, 'step.started', 'test', {}, 1));
    expect(model.step('test')).toMatchObject({ status: 'running', startedMs: Date.parse(instant(1000)), attempts: 1 });
    model.apply(event(2, 'step.retried', 'test', { class: 'infra', message: 'no network', delayMs: 5000 }, 1));
    expect(model.step('test')).toMatchObject({ status: 'held', holdKind: 'backoff', dueMs: Date.parse(instant(7000)) });
    expect(frame(model, { nowMs: Date.parse(instant(4000)) })[2]).toBe(
      '   ↻ test             again in 3.0s: no network',
    );
    model.apply(event(3, 'step.started', 'test', {}, 2));
    model.apply(event(4, 'step.succeeded', 'test', {}, 2));
    expect(frame(model)[2]).toBe('   ✓ test       1.0s  attempt 2');
  });

  it('ignores an event that it has had', () => {
    const model = new RunModel(runView([stepView('test')]));
    expect(model.apply(event(1, 'step.started', 'test'))).toBe(true);
    expect(model.apply(event(1, 'step.started', 'test'))).toBe(false);
  });

  it('asks for a fresh view where an event says less than the view', () => {
    const model = new RunModel(runView([stepView('test')]));
    model.apply(event(1, 'step.started', 'undo-test'));
    expect(model.isStale).toBe(true);
    model.absorb(runView([stepView('test'), stepView('undo-test', [], { isCompensation: true, status: 'running' })]));
    expect(model.isStale).toBe(false);
    expect(model.steps.map(({ id }) => id)).toEqual(['test', 'undo-test']);
  });

  it('keeps the last lines of the current attempt only', () => {
    const model = new RunModel(runView([stepView('test')]));
    for (let index = 0; index < 30; index++) model.applyLog({ step: 'test', attempt: 1, text: `line ${index}` });
    expect(model.step('test')?.tail).toHaveLength(12);
    expect(model.step('test')?.tail.at(-1)).toBe('line 29');
    model.apply(event(1, 'step.started', 'test', {}, 2));
    expect(model.step('test')?.tail).toEqual([]);
  });
});

/** A terminal of the given width that understands what the screen writes. */
class Terminal {
  readonly lines: string[] = [''];
  #row = 0;
  #column = 0;
  isCursorHidden = false;
  writes = '';

  write(text: string): void {
    this.writes += text;
    // oxlint-disable-next-line no-control-regex -- these are the sequences under test
    for (const [token, count] of text.matchAll(/\u001b\[(\d*)\??\d*[A-Za-z]|[\s\S]/g))
      this.#take(token, Number(count || 1));
  }

  #take(token: string, count: number): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#move(this.#row + 1);
    else if (token.endsWith('A') && token.length > 1) this.#move(this.#row - count);
    else if (token === '\u001b[K') this.#set(this.#line().slice(0, this.#column));
    else if (token === '\u001b[J') this.#eraseBelow();
    else if (token.startsWith('\u001b[?25')) this.isCursorHidden = token.endsWith('l');
    else if (token.length === 1) this.#print(token);
  }

  #print(char: string): void {
    this.#set(this.#line().padEnd(this.#column).slice(0, this.#column) + char + this.#line().slice(this.#column + 1));
    this.#column++;
  }

  #eraseBelow(): void {
    this.#set(this.#line().slice(0, this.#column));
    this.lines.length = this.#row + 1;
  }

  /** Line feed and cursor moves; our lines always begin with a carriage return where they matter. */
  #move(row: number): void {
    if (row < 0) throw new Error('the cursor left the screen');
    this.#row = row;
    this.#column = 0;
    while (this.lines.length <= row) this.lines.push('');
  }

  #line(): string {
    return this.lines[this.#row] ?? '';
  }

  #set(text: string): void {
    this.lines[this.#row] = text;
  }
}

describe('the screen', () => {
  function open(columns = 40): { terminal: Terminal; screen: Screen; resize: (to: number) => void } {
    const terminal = new Terminal();
    let width = columns;
    const screen = new Screen(
      (text) => terminal.write(text),
      () => width,
    );
    return { terminal, screen, resize: (to) => void (width = to) };
  }

  it('redraws in place and shrinks', () => {
    const { terminal, screen } = open();
    terminal.write('before\n');
    screen.draw(['one', 'two', 'three']);
    screen.draw(['ONE', 'two']);
    expect(terminal.lines).toEqual(['before', 'ONE', 'two']);
    screen.draw(['ONE', 'two', 'three', 'four']);
    expect(terminal.lines).toEqual(['before', 'ONE', 'two', 'three', 'four']);
  });

  it('writes only lines that changed', () => {
    const { terminal, screen } = open();
    screen.draw(['steady', 'tick 1']);
    terminal.writes = '';
    screen.draw(['steady', 'tick 2']);
    expect(terminal.writes).not.toContain('steady');
    expect(terminal.lines).toEqual(['steady', 'tick 2']);
  });

  it('puts remarks above the frame', () => {
    const { terminal, screen } = open();
    screen.draw(['one', 'two']);
    screen.above('a remark');
    screen.draw(['one', 'two!']);
    expect(terminal.lines).toEqual(['a remark', 'one', 'two!']);
  });

  it('counts the lines that a narrower terminal wrapped', () => {
    const { terminal, screen, resize } = open(10);
    terminal.write('before\n');
    screen.draw(['x'.repeat(10), 'two']);
    resize(5);
    terminal.writes = '';
    screen.draw(['xxxxx', 'two']);
    expect(terminal.writes).toContain('\u001b[2A');
  });

  it('hides the cursor while it draws and gives it back', () => {
    const { terminal, screen } = open();
    screen.draw(['one']);
    expect(terminal.isCursorHidden).toBe(true);
    screen.end();
    expect(terminal.isCursorHidden).toBe(false);
    expect(terminal.lines).toEqual(['one', '']);
  });
});
