import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import type { Annotation } from '../src/protocol/outcome.ts';
import type { JobEnvironment } from './job-environment.ts';

export type WriteLine = (line: string) => void;

/** What GitHub keeps of one level per step of a job; more of them would only hide each other. */
const ANNOTATIONS_PER_LEVEL = 10;
const COMMANDS: Readonly<Record<Annotation['level'], string>> = {
  notice: 'notice',
  warning: 'warning',
  failure: 'error',
};

/**
 * One workflow command, with everything escaped that could end it or begin another.
 * @source https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
 */
export function workflowCommand(
  name: string,
  properties: Readonly<Record<string, string | number | undefined>>,
  message: string,
): string {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined && value !== '');
  const list = given.map(([key, value]) => `${key}=${escapeProperty(String(value))}`).join(',');
  return `::${name}${list === '' ? '' : ` ${list}`}::${escapeData(message)}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

export function annotationCommand(annotation: Annotation): string {
  const { level, message, title, path, startLine, endLine, startColumn, endColumn } = annotation;
  const places = { file: path, line: startLine, endLine, col: startColumn, endColumn, title };
  return workflowCommand(COMMANDS[level], places, message);
}

/** Annotations of a job as far as GitHub keeps them, and a line that counts the others. */
export class AnnotationWriter {
  readonly #write: WriteLine;
  readonly #counts = new Map<Annotation['level'], number>();

  constructor(write: WriteLine) {
    this.#write = write;
  }

  add(annotation: Annotation): void {
    const count = (this.#counts.get(annotation.level) ?? 0) + 1;
    this.#counts.set(annotation.level, count);
    if (count <= ANNOTATIONS_PER_LEVEL) this.#write(annotationCommand(annotation));
  }

  end(): void {
    for (const [level, count] of this.#counts) {
      if (count > ANNOTATIONS_PER_LEVEL)
        this.#write(`${count - ANNOTATIONS_PER_LEVEL} more of level ${level} are in the check`);
    }
  }
}

/**
 * A folded group of the job's log that holds text of a stranger.
 *
 * Between the two commands the runner obeys nothing but the token, which the text cannot know: it is made now.
 */
export function foreignGroup(title: string, text: string, token = randomBytes(16).toString('hex')): readonly string[] {
  return [
    workflowCommand('group', {}, title),
    `::stop-commands::${token}`,
    text.replace(/\n$/, ''),
    `::${token}::`,
    '::endgroup::',
  ];
}

/** Sets an output of the action. `file` is the runner's own; without it (a hand-started job) there is nowhere to put it. */
export function setOutput(env: JobEnvironment, name: string, value: string): void {
  if (!env.GITHUB_OUTPUT) return;
  const end = `END-${randomBytes(16).toString('hex')}`;
  appendFileSync(env.GITHUB_OUTPUT, `${name}<<${end}\n${value}\n${end}\n`);
}

export function addSummary(env: JobEnvironment, markdown: string): void {
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `${markdown}\n`);
}

/** Text of a stranger in a cell of a table: no markup, no mention, no line of its own. */
export function tableCell(text: string): string {
  const plain = text.replaceAll(/\s+/g, ' ').slice(0, 500);
  return plain.replaceAll(/[\\`*_{}[\]()#+!|<>~@&:]/g, (mark) => `&#${mark.codePointAt(0)};`);
}
