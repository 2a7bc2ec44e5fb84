import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { firstPipeline } from '../first-pipeline.ts';
import { listPipelineFiles } from '../pipeline-files.ts';
import { ACTION_REPOSITORY, repositoryWorkflow, WORKFLOW_PATH } from '../repository-workflow.ts';

const PIPELINE_PATH = '.maestro/ci.yaml';

/** With a server, the workflow is what is asked for, and a pipeline that is there already stays as it is. */
export const init: Command = async (args, context) => {
  const server = args.text('server');
  const isForced = args.has('force');
  const action = args.text('action') ?? `${ACTION_REPOSITORY}@v${context.version}`;
  if (args.text('action') !== undefined && server === undefined)
    throw new MaestroError('USAGE', 'expected --action together with --server: it is a part of the workflow');
  const workflow = server === undefined ? undefined : repositoryWorkflow(server, action);
  // First, so that a refusal leaves nothing behind.
  if (workflow !== undefined) write(context.cwd, WORKFLOW_PATH, workflow, isForced);
  const found = writePipeline(context, {
    isForced: isForced && workflow === undefined,
    mayExist: workflow !== undefined,
  });
  const files = [...(found ? [PIPELINE_PATH] : []), ...(workflow === undefined ? [] : [WORKFLOW_PATH])];
  if (context.output.isJson) context.output.json({ file: files[0], files, found: found ?? [] });
  else show(files, found ?? [], action, context);
  return EXIT.ok;
};

interface PipelineChoice {
  readonly isForced: boolean;
  readonly mayExist: boolean;
}

/** What the pipeline was made for; undefined where there was one already and it stays. */
function writePipeline({ cwd: root }: CommandContext, choice: PipelineChoice): readonly string[] | undefined {
  const [first] = listPipelineFiles(root);
  if (first && choice.mayExist) return undefined;
  if (first && !choice.isForced)
    throw new MaestroError(
      'CONFLICT',
      `this project has a pipeline already: ${relative(root, first)}; nothing was written`,
    );
  const { text, found } = firstPipeline({ root, readFile: (name) => readIfFile(join(root, name)) });
  write(root, PIPELINE_PATH, text, choice.isForced);
  return found;
}

/** Throws CONFLICT where the file exists, unless it may be overwritten. */
function write(root: string, path: string, text: string, isForced: boolean): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  try {
    // `wx`: a file that appeared meanwhile is not overwritten.
    writeFileSync(join(root, path), text, { flag: isForced ? 'w' : 'wx' });
  } catch (error) {
    if (isMaestroError(error) || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new MaestroError('CONFLICT', `${path} exists already; with --force it is overwritten`, { cause: error });
  }
}

function show(files: readonly string[], found: readonly string[], action: string, context: CommandContext): void {
  const { output } = context;
  for (const file of files) {
    const reason = file === PIPELINE_PATH && found.length > 0 ? `, made for ${found.join(' and ')}` : '';
    output.line(`wrote ${file}${reason}`);
  }
  if (files.includes(PIPELINE_PATH)) output.next('look at it, then `maestro plan` and `maestro run`');
  if (files.includes(WORKFLOW_PATH)) {
    const [repository, ref = ''] = action.split('@');
    if (!isCommit(ref))
      output.next(
        `pin the action: write the commit of ${repository} that you want after the @ (there is no release yet: \`--action OWNER/NAME@COMMIT\` names your copy)`,
      );
    output.next('commit the workflow to the default branch, and install the server’s GitHub App on this repository');
  } else if (isOnGitHub(context.cwd)) {
    output.next('to run on GitHub: `maestro init --server URL` writes the workflow for your Maestro server');
  }
}

function isCommit(ref: string): boolean {
  return /^[0-9a-f]{40}$/.test(ref);
}

/** Whether a remote leads to github.com; a copy of the repository inside of a worktree says nothing, and that is fine. */
function isOnGitHub(root: string): boolean {
  return /^\s*url\s*=.*\bgithub\.com[:/]/m.test(readIfFile(join(root, '.git', 'config')) ?? '');
}

function readIfFile(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined;
}
