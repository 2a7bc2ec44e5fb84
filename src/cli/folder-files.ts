import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError } from '../base/errors.ts';

/** Whole files only, and never over a file with other content: that may be the proof of another run. */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) refuseOtherContent(join(folder, name), content);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    const draft = `${path}.${process.pid}.part`;
    writeFileSync(draft, content);
    renameSync(draft, path);
  }
}

function refuseOtherContent(path: string, content: string): void {
  if (!statSync(path, { throwIfNoEntry: false })) return;
  if (readFileSync(path, 'utf8') === content) return;
  throw new MaestroError('CONFLICT', `${path} holds something else; choose another folder with -o`);
}
