import { resolve } from 'node:path';
import process from 'node:process';
import { isMaestroError, MaestroError } from '../../src/base/errors.ts';
import { listPipelineFiles, readPipelineSource, shownPath } from '../../src/cli/pipeline-files.ts';
import { lintPipeline } from '../../src/pipeline/compile.ts';
import type { Finding } from '../../src/pipeline/finding.ts';
import { STEP_CATALOG } from '../../src/steps/catalog.ts';
import { openSourceTree } from '../../src/steps/source-tree.ts';
import { failJob } from '../fail-job.ts';
import { input, requiredVariable, takeEnvironment } from '../job-environment.ts';
import { addSummary, setOutput, tableCell, workflowCommand } from '../job-log.ts';

/** The unreadable file is a finding too, so that the other files are still checked. */
interface FileFinding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly isError: boolean;
  readonly code: string;
  readonly message: string;
}

try {
  const env = takeEnvironment();
  const root = resolve(requiredVariable(env, 'GITHUB_WORKSPACE'));
  const named = input(env, 'files')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const paths = named.length > 0 ? named.map((path) => resolve(root, path)) : listPipelineFiles(root);
  if (paths.length === 0)
    throw new MaestroError(
      'PIPELINE_NOT_FOUND',
      'no pipeline in .maestro/: does a step before this one check the repository out?',
    );
  const findings = paths.flatMap((path) => lintFile(path, root));
  for (const { file, line, column, isError, code, message } of findings)
    process.stdout.write(
      `${workflowCommand(isError ? 'error' : 'warning', { file, line, col: column, title: code }, message)}\n`,
    );
  const errorCount = findings.filter(({ isError }) => isError).length;
  const total = `${paths.length} checked, ${errorCount} errors, ${findings.length - errorCount} warnings`;
  process.stdout.write(`${total}\n`);
  setOutput(env, 'errors', String(errorCount));
  setOutput(env, 'warnings', String(findings.length - errorCount));
  addSummary(env, summaryOf(findings, total));
  if (errorCount > 0) process.exitCode = 1;
} catch (error) {
  failJob('Maestro lint', error);
}

function lintFile(path: string, root: string): readonly FileFinding[] {
  const file = shownPath(path, root);
  try {
    const source = readPipelineSource(path, root);
    return lintPipeline({ ...source, catalog: STEP_CATALOG, files: openSourceTree(root) }).map((finding) =>
      fromLint(file, finding),
    );
  } catch (error) {
    if (!isMaestroError(error, 'FILE_NOT_READABLE') && !isMaestroError(error, 'FILE_TOO_LARGE')) throw error;
    return [{ file, line: 1, column: 1, isError: true, code: error.code, message: error.message }];
  }
}

function fromLint(file: string, { line, column, severity, code, message }: Finding): FileFinding {
  return { file, line, column, isError: severity === 'error', code, message };
}

function summaryOf(findings: readonly FileFinding[], total: string): string {
  const rows = findings
    .slice(0, 100)
    .map(
      (finding) =>
        `| ${tableCell(`${finding.file}:${finding.line}`)} | ${finding.code} | ${tableCell(finding.message)} |`,
    );
  return [
    '### Maestro lint',
    '',
    total,
    '',
    ...(rows.length > 0 ? ['| where | code | |', '|---|---|---|', ...rows] : []),
  ].join('\n');
}
