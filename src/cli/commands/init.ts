import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { firstPipeline } from '../first-pipeline.ts';
import { listPipelineFiles } from '../pipeline-files.ts';

export const init: Command = async (_args, context) => {
  const { cwd: root, output } = context;
  refuseExisting(root);
  const { text, found } = firstPipeline({ root, readFile: (name) => readIfFile(join(root, name)) });
  const path = join(root, '.maestro', 'ci.yaml');
  mkdirSync(join(root, '.maestro'), { recursive: true });
  // `wx`: a file that appeared meanwhile is not overwritten.
  writeFileSync(path, text, { flag: 'wx' });
  show(relative(root, path), found, context);
  if (output.isJson) output.json({ file: '.maestro/ci.yaml', found });
  return EXIT.ok;
};

function refuseExisting(root: string): void {
  const [first] = listPipelineFiles(root);
  if (!first) return;
  throw new MaestroError(
    'CONFLICT',
    `this project has a pipeline already: ${relative(root, first)}; nothing was written`,
  );
}

function show(file: string, found: readonly string[], { output }: CommandContext): void {
  if (output.isJson) return;
  output.line(`wrote ${file}${found.length > 0 ? `, made for ${found.join(' and ')}` : ''}`);
  output.next('look at it, then `maestro plan` and `maestro run`');
}

function readIfFile(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined;
}
