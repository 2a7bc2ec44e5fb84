import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { referencePage } from '../src/cli/reference-page.ts';

/** Writes `docs/reference/cli.md` again after the command table changed. */
const path = resolve(import.meta.dirname, '../docs/reference/cli.md');
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, referencePage());
