import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { bundledLicences } from './bundled-licences.ts';
import { carriedFiles, readsCarriedFiles } from './carried-files.ts';

const ROOT = resolve(import.meta.dirname, '..');

interface Bundle {
  /** Folder of the action; its bundle is `dist/` in there. */
  readonly action: string;
  /** Programs, and modules that run in a thread of their own, by the name of their file in `dist/`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages in it read files of their own, which have to lie beside it. */
  readonly hasCarriedFiles?: true;
}

const BUNDLES: readonly Bundle[] = [
  {
    action: 'actions/run',
    entries: {
      main: 'actions/run/main.ts',
      'transform-thread': 'src/steps/transform/transform-thread.ts',
      'schema-thread': 'src/steps/schema-validate/schema-thread.ts',
      'sbom-thread': 'src/steps/supplychain/sbom-thread.ts',
      'secrets-thread': 'src/steps/security/secrets-thread.ts',
      'cyclonedx-npm-program': 'node_modules/@cyclonedx/cyclonedx-npm/bin/cyclonedx-npm-cli.js',
    },
    hasCarriedFiles: true,
  },
  { action: 'actions/lint', entries: { main: 'actions/lint/main.ts' } },
  { action: 'actions/verify', entries: { main: 'actions/verify/main.ts' } },
];

/** How the sources name a program that is an entry of a bundle, by the name of the entry. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'cyclonedx-npm-program': "new URL('./bin/cyclonedx-npm-cli.js', import.meta.resolve('@cyclonedx/cyclonedx-npm'))",
};

/** The modules of threads, and programs, lie beside the bundle, under names that end in `.js`. */
const threadsBesideBundle = (entries: Bundle['entries']): Plugin => ({
  name: 'threads-beside-bundle',
  setup: (context) => {
    context.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const { readFile } = await import('node:fs/promises');
      const text = await readFile(path, 'utf8');
      const threads = text.replace(/new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g, (whole, name: string) =>
        name in entries ? `new URL('./${name}.js', import.meta.url)` : whole,
      );
      const contents = Object.entries(PROGRAMS).reduce(
        (written, [name, place]) => written.replaceAll(place, `new URL('./${name}.js', import.meta.url)`),
        threads,
      );
      return { contents, loader: 'ts' };
    });
  },
});

/** All bundles as they must lie in the repository, by path. Equal on every machine. */
export async function buildActions(): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { action, entries, hasCarriedFiles } of BUNDLES) {
    const inputs: string[] = [];
    // Each by itself: a thread, and a program, is one file that shares nothing with the worker.
    for (const entry of Object.entries(entries)) {
      const { outputFiles, metafile } = await build(optionsOf(action, entries, Object.fromEntries([entry])));
      for (const { path, contents } of outputFiles) files.set(path.slice(ROOT.length + 1), contents);
      inputs.push(...Object.keys(metafile.inputs));
    }
    const licences = bundledLicences(inputs, ROOT);
    files.set(`${action}/dist/licences.txt`, Buffer.from(licences));
    if (hasCarriedFiles)
      for (const [path, contents] of carriedFiles(ROOT)) files.set(`${action}/dist/${path}`, contents);
  }
  return files;
}

function optionsOf(action: string, entries: Bundle['entries'], entryPoints: Bundle['entries']) {
  return {
    absWorkingDir: ROOT,
    entryPoints: { ...entryPoints },
    outdir: join(ROOT, action, 'dist'),
    bundle: true,
    // What is imported later lies in files of its own, and is read when it is needed; what several files need lies there once.
    splitting: true,
    chunkNames: '[name]-[hash]',
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Names stay, so that a stack trace in a job's log can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'error',
    // Packages in CommonJS ask for node's own modules by `require`, and for where they lie, which a module of ESM does not have.
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;",
    },
    plugins: [threadsBesideBundle(entries), readsCarriedFiles],
  } as const satisfies BuildOptions;
}

if (import.meta.main) {
  for (const { action } of BUNDLES) rmSync(join(ROOT, action, 'dist'), { recursive: true, force: true });
  for (const [path, contents] of await buildActions()) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), contents);
    process.stdout.write(`${path}: ${Math.ceil(contents.byteLength / 1024)} kB\n`);
  }
}
