import type { StepCatalog, StepCatalogEntry } from '../../../src/pipeline/catalog.ts';
import type { SourceTree } from '../../../src/pipeline/task-manifest.ts';

const entry = (more: Partial<StepCatalogEntry> = {}): StepCatalogEntry => ({
  kind: 'work',
  isAvailable: true,
  isIdempotent: true,
  description: 'a step',
  ...more,
});

const LATER =
  'llm.plan llm.generate web.scrape build.container security.scan supplychain.sign registry.push cd.rollout cd.rollback';

/** A catalog with every kind of entry. */
export const CATALOG: StepCatalog = new Map([
  ['shell', entry()],
  [
    'http',
    entry({
      inputSchema: {
        type: 'object',
        required: ['url'],
        properties: {
          url: { type: 'string', pattern: '^https?://' },
          method: { enum: ['GET', 'POST'] },
          retries: { type: 'integer' },
        },
        additionalProperties: false,
      },
    }),
  ],
  ['deploy', entry({ isIdempotent: false })],
  ['keep', entry({ keeps: ['own', { input: 'name' }] })],
  ['wait', entry({ kind: 'wait' })],
  ['approval', entry({ kind: 'gate' })],
  ['gate.promote', entry({ kind: 'gate' })],
  ...LATER.split(' ').map((name) => [name, entry({ isAvailable: false })] as const),
]);

/** Files of a repository, by path. */
export function treeOf(files: Readonly<Record<string, string | object>>): SourceTree {
  return {
    read(path) {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      if (content === undefined) return undefined;
      return new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
    },
  };
}

export const NO_FILES: SourceTree = treeOf({});
