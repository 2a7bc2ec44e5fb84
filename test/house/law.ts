/** The house rules as ARCHITECTURE.md states them, so that page and check cannot drift apart. */
export interface Law {
  /** Room -> rooms that it may import besides itself. */
  readonly rooms: ReadonlyMap<string, readonly string[]>;
  /** Package -> the rooms and folders that may import it. A name that ends in `/*` covers a scope. */
  readonly packages: ReadonlyMap<string, readonly string[]>;
  /** Rooms whose results depend on their arguments alone. */
  readonly pureRooms: readonly string[];
}

/** Reads the two tables and the list of pure rooms; throws if the page no longer holds them. */
export function readLaw(page: string): Law {
  const rooms = table(page, 'room', 'may import').map(([room, may]): [string, string[]] => [room, words(may)]);
  const packages = table(page, 'package', 'only in').flatMap(([names, owners]) =>
    words(names.replaceAll('`', '')).map((name): [string, string[]] => [name, words(owners)]),
  );
  const pure = /^Pure rooms: (.+)\.$/m.exec(page)?.[1];
  if (!pure) throw new Error('ARCHITECTURE.md has no line "Pure rooms: a, b."');
  return { rooms: new Map(rooms), packages: new Map(packages), pureRooms: words(pure) };
}

function table(page: string, left: string, right: string): [string, string][] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => line.replaceAll(/ +/g, ' ') === `| ${left} | ${right} |`);
  if (head < 0) throw new Error(`ARCHITECTURE.md has no table "| ${left} | ${right} |"`);
  const rows: [string, string][] = [];
  for (const line of lines.slice(head + 2)) {
    const cells = /^\|([^|]*)\|([^|]*)\|$/.exec(line);
    if (!cells) break;
    rows.push([cells[1]!.trim(), cells[2]!.trim()]);
  }
  if (rows.length === 0) throw new Error(`the table "| ${left} | ${right} |" of ARCHITECTURE.md is empty`);
  return rows;
}

function words(list: string): string[] {
  return list.split(/[,\s]+/).filter(Boolean);
}
