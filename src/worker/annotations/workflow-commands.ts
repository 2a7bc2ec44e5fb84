import type { Annotation } from '../../protocol/outcome.ts';

/** `::name key=value,key=value::message` at the beginning of a line, as GitHub's runner reads it. */
const COMMAND = /^\s*::([a-z-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/;

export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** @source https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions */
export function parseWorkflowCommand(line: string): WorkflowCommand | undefined {
  const match = COMMAND.exec(line);
  if (!match) return undefined;
  const properties = (match[2] ?? '').split(',').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    return equals < 1 ? [] : [[pair.slice(0, equals).trim(), unescapeProperty(pair.slice(equals + 1).trim())]];
  });
  return {
    name: match[1] as string,
    properties: Object.fromEntries(properties),
    message: unescapeMessage(match[3] ?? ''),
  };
}

const LEVELS: Readonly<Record<string, Annotation['level']>> = {
  error: 'failure',
  warning: 'warning',
  notice: 'notice',
};

/** The remark that a command makes; undefined for commands that make none. */
export function annotationOfCommand({ name, properties, message }: WorkflowCommand): Annotation | undefined {
  const level = LEVELS[name];
  if (!level || message === '') return undefined;
  const { file, title, line, endLine, col, endColumn } = properties;
  const numbers = { startLine: line, endLine: endLine ?? line, startColumn: col, endColumn: endColumn ?? col };
  const places = Object.entries(numbers).flatMap(([key, value]): [string, number][] =>
    value && /^\d{1,9}$/.test(value) ? [[key, Number(value)]] : [],
  );
  return {
    level,
    message,
    ...(title ? { title } : {}),
    ...(file ? { path: file } : {}),
    ...Object.fromEntries(places),
  };
}

/** Commands that Maestro does not carry out, with what to do instead. */
export const REFUSED_COMMANDS: Readonly<Record<string, string>> = {
  'set-output': 'write name=value to the file named by GITHUB_OUTPUT or MAESTRO_OUTPUT',
  'save-state': 'a step has no later phase: write an output',
  'set-env': 'set `env` in the pipeline, or write an output',
  'add-path': 'set PATH in the script that needs it',
};

function unescapeMessage(text: string): string {
  return text.replace(/%(25|0D|0A)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function unescapeProperty(text: string): string {
  return text.replace(/%(25|0D|0A|3A|2C)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
