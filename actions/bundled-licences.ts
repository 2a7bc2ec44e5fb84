import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name, version and licence text of every package whose files are in a bundle. */
export function bundledLicences(inputs: readonly string[], root: string): string {
  const folders = new Set(inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  const sections = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
      readonly name: string;
      readonly version: string;
      readonly license?: string;
    };
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
    const text =
      file === undefined
        ? ''
        : readFileSync(join(root, folder, file), 'utf8')
            .replaceAll('\r\n', '\n')
            .trim();
    return `${name} ${version} (${license ?? 'see below'})\n\n${text}\n`;
  });
  return sections.join(`\n${'-'.repeat(80)}\n\n`);
}
