/** A line `::name key=value,key=value::data` that a step printed for its runner. */
export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The command in a line, or null where it is ordinary output. As in GitHub's runner, blanks may stand before it. */
export function parseCommand(line: string): WorkflowCommand | null {
  const match = /^\s*::([A-Za-z0-9-]+)(?: ([^]*?))?::([^]*)$/.exec(line);
  if (!match) return null;
  const properties: Record<string, string> = {};
  for (const pair of (match[2] ?? '').split(',')) {
    const equals = pair.indexOf('=');
    if (equals > 0) properties[pair.slice(0, equals).trim()] = unescapeProperty(pair.slice(equals + 1));
  }
  return { name: (match[1] ?? '').toLowerCase(), properties, data: unescapeData(match[3] ?? '') };
}

// `%25` comes last: else `%250A` would become a line end.
function unescapeData(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

function unescapeProperty(text: string): string {
  return unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','));
}
