import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { MaestroError } from '../../src/base/errors.ts';
import { evaluateTemplate } from '../../src/pipeline/expression.ts';
import { textOf } from './json-text.ts';
import { runStepProcess } from './step-process.ts';
import { type StepEnd, type StepRun, sayGroup, timeoutOf } from './step-run.ts';

/** Runs the `run` of a step with its shell. Throws where shell or folder are not usable. */
export async function runScript({ job, scope, step, env, contexts, functions }: StepRun): Promise<StepEnd> {
  const {
    run,
    shell,
    'working-directory': folder = null,
  } = evaluateTemplate(
    { ...scope.defaults, ...step, env: null, if: null, 'continue-on-error': null },
    contexts,
    functions,
  );
  const script = textOf(run);
  const path = join(job.places.temporary, `${randomUUID()}.sh`);
  writeFileSync(path, script);
  sayGroup(job, `Run ${script.trim().split('\n')[0] ?? ''}`, script.trimEnd().split('\n'));
  const { workspace } = job.places;
  const cwd =
    folder === null ? workspace : isAbsolute(textOf(folder)) ? textOf(folder) : join(workspace, textOf(folder));
  if (!existsSync(cwd)) throw new MaestroError('PIPELINE_INVALID', `no such working directory: ${cwd}`);
  const place = scope.action ? { GITHUB_ACTION_PATH: scope.action.folder } : {};
  return runStepProcess(job, {
    argv: shellCommand(typeof shell === 'string' ? shell : null, path),
    cwd,
    env: { ...env, ...place, GITHUB_ACTION: textOf(step.id ?? '__run') },
    timeoutMs: timeoutOf(step, contexts, functions),
  });
}

function shellCommand(shell: string | null, path: string): readonly string[] {
  if (shell === null) return ['bash', '-e', path];
  if (shell === 'bash') return ['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', path];
  if (shell === 'sh') return ['sh', '-e', path];
  if (shell === 'python') return ['python3', path];
  if (shell.includes('{0}')) return shell.split(' ').map((word) => word.replace('{0}', path));
  throw new MaestroError('PIPELINE_INVALID', `expected shell bash, sh, python or a command with {0}, got '${shell}'`);
}
