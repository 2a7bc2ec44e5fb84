import type { TableRow } from './command.ts';
import { COMMANDS } from './table.ts';

export function findCommand(name: string): TableRow | undefined {
  return COMMANDS.find((spec) => spec.name === name || spec.aliases?.includes(name));
}

/** Names as typed, aliases included. */
export function commandNames(): readonly string[] {
  return COMMANDS.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])]);
}
