import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { slashCommandsPage } from '../src/github/commands/reference-page.ts';

/** Writes `docs/reference/slash-commands.md` again after the table of slash commands changed. */
writeFileSync(resolve(import.meta.dirname, '../docs/reference/slash-commands.md'), slashCommandsPage());
