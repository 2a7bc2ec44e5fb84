import { resolve } from 'node:path';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import type { CommandContext, Compiler, Finding } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { countFindings, findingText, plural } from '../finding-text.ts';
import { listPipelineFiles, readPipelineSource, shownPath } from '../pipeline-files.ts';

interface LintedFile {
  readonly file: string;
  readonly text: string;
  readonly findings: readonly Finding[];
}

export const lint: Command = async (args, context) => {
  const paths = args.positionals.length > 0 ? args.positionals : listPipelineFiles(context.root);
  if (paths.length === 0) throw new MaestroError('PIPELINE_NOT_FOUND', 'this project has no pipeline');
  const compiler = await context.openCompiler();
  const files = paths.map((path) => lintFile(compiler, resolve(context.cwd, path), context.root));
  if (context.output.isJson) context.output.json(files.flatMap(jsonFindings));
  else showFindings(files, context);
  const isBroken = files.some(({ findings }) => findings.some((finding) => finding.severity === 'error'));
  return isBroken ? EXIT.failed : EXIT.ok;
};

/** A file that cannot be read is a finding like any other, so the other files are still checked. */
function lintFile(compiler: Compiler, path: string, root: string): LintedFile {
  try {
    const source = readPipelineSource(path, root);
    return { file: source.path, text: source.text, findings: compiler.lint(source) };
  } catch (error) {
    if (!isMaestroError(error, 'FILE_NOT_READABLE') && !isMaestroError(error, 'FILE_TOO_LARGE')) throw error;
    const finding: Finding = { line: 1, column: 1, severity: 'error', code: error.code, message: error.message };
    return { file: shownPath(path, root), text: '', findings: [finding] };
  }
}

function jsonFindings({ file, findings }: LintedFile): readonly object[] {
  return findings.map(({ line, column, severity, code, message }) => ({ file, line, column, severity, code, message }));
}

function showFindings(files: readonly LintedFile[], { output, terminal }: CommandContext): void {
  const { columns } = terminal.size();
  for (const { file, text, findings } of files) {
    for (const finding of findings) output.line(findingText(file, text, finding, columns, output.paint));
  }
  const all = files.flatMap(({ findings }) => findings);
  const checked = plural(files.length, 'pipeline');
  if (all.length === 0) output.line(`${output.paint.green('ok')}: ${checked} checked, nothing to say`);
  else output.line(`\n${checked} checked: ${countFindings(all)}`);
}
