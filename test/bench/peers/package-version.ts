import { readFileSync } from 'node:fs';

/** Version of a peer as installed, not as asked for. */
export function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return String(version);
}
