import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whose settings a scanner goes by: those that Maestro gives it, or those that it finds in the checkout. */
export type SettingsOf = 'maestro' | 'checkout';

/** `settings` of a step that runs scanners. */
export const SETTINGS_SCHEMA = {
  enum: ['maestro', 'checkout'],
  description:
    'Whose settings the scanner goes by. Of the checkout: whoever may change it may excuse what is found. Default: maestro',
};

/** A file of settings outside of the checkout, for one call of a scanner. */
export async function writeSettings(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}
