import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { COMMAND_ROWS } from '../../../../src/github/commands/command-table.ts';
import { parseCommands } from '../../../../src/github/commands/parse-commands.ts';
import { slashCommandsPage } from '../../../../src/github/commands/reference-page.ts';

it('docs/reference/slash-commands.md is what the table says (else run `node app/write-commands-reference.ts`)', () => {
  const path = resolve(import.meta.dirname, '../../../../docs/reference/slash-commands.md');
  expect(readFileSync(path, 'utf8')).toBe(slashCommandsPage());
});

it.each(COMMAND_ROWS.map((row) => [row.verb, row.example]))('the example of %s is understood', (verb, example) => {
  expect(parseCommands(example)).toMatchObject([{ verb }]);
});
