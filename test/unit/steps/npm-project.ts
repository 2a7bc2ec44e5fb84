import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Versions that were published with these digests. `lodash` 4.17.20 has known weaknesses. */
const PACKAGES = {
  lodash: {
    version: '4.17.20',
    integrity: 'sha512-PlhdFcillOINfeV7Ni6oF1TAEayyZBoZ8bcshTHqOYJYlrqzRK5hagpagky5o4HfCzzd1TRkXPMFq6cKk9rGmA==',
  },
  debug: {
    version: '4.3.4',
    dev: true,
    integrity: 'sha512-PRWFHuSU3eDtQJPvnNY7Jcket1j0t5OuOsFzPPzsekD52Zl1qUfFIPEiswXqIvHWGVHOgX+7G/vCNNhehwxfkQ==',
    dependencies: { ms: '2.1.2' },
  },
  ms: {
    version: '2.1.2',
    dev: true,
    integrity: 'sha512-sGkPx+VjMtmA6MX27oA4FBFELFCZZ4S4XqeGOXCv68tT+jb3vk/RyaKWP0PTKyWtmLSM0b+adUTEvbs1PEaH2w==',
  },
};

/** A small npm project as a checkout has it: with its lock file, without its packages. */
export function writeNpmProject(folder: string): void {
  const head = {
    name: 'shop',
    version: '1.2.3',
    license: 'MIT',
    dependencies: { lodash: '4.17.20' },
    devDependencies: { debug: '4.3.4' },
  };
  const packages = Object.entries(PACKAGES).map(([name, { version, ...rest }]) => [
    `node_modules/${name}`,
    { version, resolved: `https://registry.npmjs.org/${name}/-/${name}-${version}.tgz`, ...rest, license: 'MIT' },
  ]);
  const lock = {
    name: head.name,
    version: head.version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': head, ...Object.fromEntries(packages) },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(head, null, 2)}\n`);
  writeFileSync(join(folder, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
}
