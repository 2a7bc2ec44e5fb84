import type { CommandContext } from '../context.ts';
import { ASCII_GLYPHS, UNICODE_GLYPHS } from './glyphs.ts';
import { renderRun } from './render-run.ts';
import type { RunModel } from './run-model.ts';
import { Screen } from './screen.ts';
import type { RunWatcher } from './watcher.ts';

/** Ten frames a second: smooth for a spinner, cheap for a terminal over ssh. */
const FRAME_MS = 100;

/** The live DAG. Draws by the clock, not by the event: a thousand events in a second cost ten frames. */
export class LiveView implements RunWatcher {
  readonly #model: RunModel;
  readonly #context: CommandContext;
  readonly #screen: Screen;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(model: RunModel, context: CommandContext) {
    this.#model = model;
    this.#context = context;
    this.#screen = new Screen(
      (text) => context.output.raw(text),
      () => context.terminal.size().columns,
    );
  }

  start(): void {
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
  }

  event(): void {}

  log(): void {}

  note(text: string): void {
    this.#screen.above(text);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#screen.end();
  }

  #draw(): void {
    const { terminal, output, clock } = this.#context;
    const { columns, rows } = terminal.size();
    const glyphs = terminal.hasUnicode ? UNICODE_GLYPHS : ASCII_GLYPHS;
    // The last row stays free: writing into it would scroll the frame away.
    const setting = { columns, rows: rows - 1, nowMs: clock.now(), frame: this.#frame++, glyphs, paint: output.paint };
    this.#screen.draw(renderRun(this.#model, setting));
  }
}
