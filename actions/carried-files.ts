import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/** Beside the bundle, in the order that the packages have in `node_modules`. */
const FOLDER = 'carried';
const SCHEMAS = '@cyclonedx/cyclonedx-library/res/schema';

/** Files that the CycloneDX packages read at run time: the schemas of version 1.6, and what they are themselves called. */
const FILES = [
  '@cyclonedx/cyclonedx-npm/package.json',
  '@cyclonedx/cyclonedx-library/package.json',
  ...['bom-1.6', 'spdx', 'cryptography-defs', 'jsf-0.82'].map((name) => `${SCHEMAS}/${name}.SNAPSHOT.schema.json`),
];

/** Where those packages look for them, and where a bundle has them. `__dirname` is the bundle's own folder. */
const PLACES: readonly (readonly [file: RegExp, written: string, carried: string])[] = [
  [
    /cyclonedx-library\/dist\.node\/resources\.node\.js$/,
    "(__dirname, '..', 'res')",
    `(__dirname, '${FOLDER}/@cyclonedx/cyclonedx-library/res')`,
  ],
  [
    /cyclonedx-npm\/dist\/(?:cli|builders)\.js$/,
    'module.path',
    `(__dirname + '/${FOLDER}/@cyclonedx/cyclonedx-npm/dist')`,
  ],
  [
    /cyclonedx-npm\/dist\/builders\.js$/,
    "require.resolve.paths('__some_none-native_package__')",
    `[__dirname + '/${FOLDER}']`,
  ],
];

/** Lets bundled packages find their files beside the bundle. A package that looks for them otherwise is an error. */
export const readsCarriedFiles: Plugin = {
  name: 'reads-carried-files',
  setup: (context) => {
    context.onLoad({ filter: /node_modules\/@cyclonedx\/.*\.js$/ }, ({ path }) => {
      const places = PLACES.filter(([file]) => file.test(path));
      let contents = readFileSync(path, 'utf8');
      for (const [, written, carried] of places) {
        if (!contents.includes(written)) return { errors: [{ text: `expected ${written} in ${path}` }] };
        contents = contents.replaceAll(written, carried);
      }
      return { contents, loader: 'js' };
    });
  },
};

/** Content by path below `dist/`. */
export function carriedFiles(root: string): ReadonlyMap<string, Uint8Array> {
  return new Map(FILES.map((path) => [`${FOLDER}/${path}`, readFileSync(join(root, 'node_modules', path))]));
}
