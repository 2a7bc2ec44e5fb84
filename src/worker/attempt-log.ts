import type { Annotation } from '../protocol/outcome.ts';
import type { AnnotationCollector } from './annotations/collector.ts';
import { PROBLEM_MATCHERS, plainLine } from './annotations/problem-matchers.ts';
import { annotationOfCommand, parseWorkflowCommand, REFUSED_COMMANDS } from './annotations/workflow-commands.ts';
import { BEGINNING_BYTES, LineReader } from './line-reader.ts';
import type { LogStream, LogSummary } from './log-stream.ts';
import { ADDED_BYTES_MIN, type Masker, MaskStream } from './mask.ts';

const COMMAND_HINT = '::';
const NEWLINE = 10;
const SHORT_MASK: Annotation = {
  level: 'warning',
  message: `::add-mask:: of a value under ${ADDED_BYTES_MIN} bytes was ignored: it would mask innocent text everywhere`,
};

/**
 * The way of a step's output: lines are watched for commands and problems, secrets are masked, the rest is stored.
 *
 * `::add-mask::` counts from its own line on: a line that may be a command is held back until it is whole.
 */
export class AttemptLog {
  readonly #masker: Masker;
  readonly #masks: MaskStream;
  readonly #stream: LogStream;
  readonly #annotations: AnnotationCollector;
  readonly #lines: LineReader;
  readonly #matchers = PROBLEM_MATCHERS.map(({ make }) => make());
  /** Commands that were refused, each told once. */
  readonly #refused = new Set<string>();
  readonly #onTooManyMasks: () => void;
  #isMidLine = false;

  constructor(masker: Masker, stream: LogStream, annotations: AnnotationCollector, onTooManyMasks: () => void) {
    this.#masker = masker;
    this.#masks = new MaskStream(masker);
    this.#stream = stream;
    this.#annotations = annotations;
    this.#onTooManyMasks = onTooManyMasks;
    this.#lines = new LineReader({
      hints: [COMMAND_HINT, ...PROBLEM_MATCHERS.flatMap(({ hints }) => hints)],
      onLine: (line) => this.#readLine(line),
      isHeldBack: mayBeCommand,
    });
  }

  /** A promise means: wait for it before the next write. */
  write(bytes: Buffer): Promise<void> | undefined {
    if (bytes.length > 0) this.#isMidLine = bytes.at(-1) !== NEWLINE;
    return this.#stream.write(this.#masks.write(this.#lines.read(bytes)));
  }

  /** Takes lines of Maestro's own, each on a line for itself, however the step's last one ended. */
  writeOwn(lines: readonly string[]): Promise<void> | undefined {
    const text = lines.map((line) => `[maestro] ${line}\n`).join('');
    return this.write(Buffer.from(this.#isMidLine && text !== '' ? `\n${text}` : text));
  }

  async end(): Promise<LogSummary> {
    const last = this.#masks.write(this.#lines.end());
    await this.#stream.write(Buffer.concat([last, this.#masks.end()]));
    return this.#stream.end();
  }

  #readLine(raw: string): void {
    const line = plainLine(raw);
    const command = line.includes(COMMAND_HINT) ? parseWorkflowCommand(line) : undefined;
    if (command) return this.#obey(command);
    for (const match of this.#matchers) {
      const found = match(line);
      if (found) (Array.isArray(found) ? found : [found as Annotation]).forEach(this.#annotations.add);
    }
  }

  #obey(command: NonNullable<ReturnType<typeof parseWorkflowCommand>>): void {
    if (command.name === 'add-mask') {
      const answer = this.#masker.add(command.message);
      if (answer === 'too many') this.#onTooManyMasks();
      if (answer === 'too short') this.#tellOnce('add-mask', SHORT_MASK);
      return;
    }
    const annotation = annotationOfCommand(command);
    if (annotation) return this.#annotations.add(annotation);
    const advice = Object.hasOwn(REFUSED_COMMANDS, command.name) ? REFUSED_COMMANDS[command.name] : undefined;
    if (advice)
      this.#tellOnce(command.name, { level: 'notice', message: `::${command.name}:: is not carried out: ${advice}` });
  }

  #tellOnce(command: string, remark: Annotation): void {
    if (this.#refused.has(command)) return;
    this.#refused.add(command);
    this.#annotations.addOwn(remark);
  }
}

/** White space, then a colon or the end: what follows may make it a command. */
function mayBeCommand(lineBeginning: string): boolean {
  const text = lineBeginning.trimStart();
  return text === '' ? lineBeginning.length < BEGINNING_BYTES : text.startsWith(COMMAND_HINT) || text === ':';
}
