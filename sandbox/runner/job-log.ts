import { Masker } from '../../src/worker/mask.ts';
import type { JobAnnotation } from './job.ts';
import { parseCommand, type WorkflowCommand } from './workflow-command.ts';

/** GitHub keeps this many annotations of one job. */
const ANNOTATIONS_MAX = 50;

const LEVELS: Readonly<Record<string, JobAnnotation['level']>> = {
  notice: 'notice',
  warning: 'warning',
  error: 'failure',
};

/** The log of a job: masks secrets, and obeys the workflow commands that steps print. */
export class JobLog {
  readonly annotations: JobAnnotation[] = [];
  readonly #masker: Masker;
  readonly #onLine: (line: string) => void;
  /** Set by `::stop-commands::token`: until `::token::`, commands are ordinary output. */
  #stopToken: string | null = null;

  constructor(secrets: readonly string[], onLine: (line: string) => void) {
    this.#masker = new Masker(secrets);
    this.#onLine = onLine;
  }

  /** What the runner itself says. May hold several lines. */
  say(text: string): void {
    for (const line of this.mask(text).split(/\r?\n/)) this.#onLine(line);
  }

  mask(text: string): string {
    return this.#masker.maskText(text);
  }

  /** Each step begins with commands allowed. */
  beginStep(): void {
    this.#stopToken = null;
  }

  /** A line that a step printed. */
  takeOutput(line: string): void {
    const command = parseCommand(line);
    if (!command || !this.#obey(command)) this.say(line);
  }

  /** False where the line is not a command after all, and is printed as it stands. */
  #obey(command: WorkflowCommand): boolean {
    if (this.#stopToken !== null) {
      if (command.name !== this.#stopToken) return false;
      this.#stopToken = null;
      return true;
    }
    const level = LEVELS[command.name];
    if (level) return this.#annotate(level, command);
    switch (command.name) {
      case 'add-mask':
        // A secret of several lines comes out line by line.
        for (const value of [command.data, ...command.data.split(/\r?\n/)]) this.#masker.add(value);
        return true;
      case 'stop-commands':
        this.#stopToken = command.data.toLowerCase();
        return true;
      case 'group':
        this.say(`##[group]${command.data}`);
        return true;
      case 'endgroup':
        this.say('##[endgroup]');
        return true;
      case 'debug':
      case 'echo':
        return true;
      default:
        return false;
    }
  }

  #annotate(level: JobAnnotation['level'], { name, data, properties }: WorkflowCommand): true {
    this.say(`##[${name}]${data}`);
    if (this.annotations.length >= ANNOTATIONS_MAX) return true;
    const startLine = positive(properties.line) ?? 1;
    this.annotations.push({
      level,
      message: this.mask(data),
      title: properties.title === undefined ? null : this.mask(properties.title),
      path: properties.file ?? null,
      startLine,
      endLine: positive(properties.endLine) ?? startLine,
      startColumn: positive(properties.col),
      endColumn: positive(properties.endColumn),
    });
    return true;
  }
}

function positive(text: string | undefined): number | null {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
