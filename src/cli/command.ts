import type { Arguments } from './arguments.ts';
import type { CommandSpec } from './command-spec.ts';
import type { CommandContext } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

export type Command = (args: Arguments, context: CommandContext) => Promise<ExitCode>;

/** A row of the table, with what it runs. */
export interface TableRow extends CommandSpec {
  /** Loaded when the command is called, not before: `--help` stays fast. */
  load(): Promise<Command>;
}
