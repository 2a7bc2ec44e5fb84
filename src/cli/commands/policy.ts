import { resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { Explanation } from '../../protocol/explain.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import type { CaseResult, CommandContext, OwnRulesFolders, PolicyDesk } from '../context.ts';
import { withMaestro } from '../drive-run.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { explanationLines } from '../explanation-text.ts';
import { plural } from '../finding-text.ts';
import { readPipelineSource } from '../pipeline-files.ts';
import { readRunRequest } from '../run-request.ts';
import { safeText } from '../terminal-text.ts';

const CASES_FILE = '.maestro/policy-cases.yaml';

export const policy: Command = (args, context) => {
  const [deed, ...rest] = args.positionals;
  if (deed === 'test') return test(args, rest, context);
  if (deed === 'explain') return explain(args, rest, context);
  throw new MaestroError(
    'USAGE',
    `expected \`maestro policy test\` or \`maestro policy explain\`, got '${deed ?? ''}'`,
  );
};

async function test(args: Arguments, [file, more]: readonly string[], context: CommandContext): Promise<ExitCode> {
  if (more !== undefined) throw new MaestroError('USAGE', `expected one file of cases, got '${more}' too`);
  const path = file === undefined ? resolve(context.root, CASES_FILE) : resolve(context.cwd, file);
  const source = readPipelineSource(path, context.root);
  const results = await atDesk(args, context, (desk) => desk.test(source));
  if (context.output.isJson) context.output.json(results);
  else showResults(results, context);
  return results.some(({ problem }) => problem !== null) ? EXIT.failed : EXIT.ok;
}

function showResults(results: readonly CaseResult[], { output }: CommandContext): void {
  const { paint } = output;
  const failed = results.filter(({ problem }) => problem !== null);
  for (const { name, problem } of failed) {
    output.line(`${paint.red('failed')}: ${safeText(name)}`);
    output.line(`  ${safeText(problem ?? '')}`);
  }
  const tried = plural(results.length, 'case');
  if (failed.length === 0) output.line(`${paint.green('ok')}: ${tried} tried, all as expected`);
  else output.line(`\n${tried} tried, ${failed.length} failed`);
}

async function explain(args: Arguments, rest: readonly string[], context: CommandContext): Promise<ExitCode> {
  const explanation = args.has('pipeline')
    ? await explainPipeline(args, rest, context)
    : await explainRun(rest, context);
  if (context.output.isJson) context.output.json(explanation);
  else for (const line of explanationLines(explanation, context.output.paint)) context.output.line(line);
  return EXIT.ok;
}

async function explainPipeline(
  args: Arguments,
  [step, more]: readonly string[],
  context: CommandContext,
): Promise<Explanation> {
  if (more !== undefined) throw new MaestroError('USAGE', `expected one STEP beside --pipeline, got '${more}' too`);
  const request = await readRunRequest(args, context, args.text('pipeline'));
  return atDesk(args, context, (desk) => desk.explain(request, step));
}

function explainRun([run, step]: readonly string[], context: CommandContext): Promise<Explanation> {
  if (run === undefined) throw new MaestroError('USAGE', 'expected RUN, or --pipeline NAME');
  return withMaestro(context, {}, ({ client }) => client.explain(run, step));
}

async function atDesk<T>(args: Arguments, context: CommandContext, ask: (desk: PolicyDesk) => T): Promise<T> {
  const desk = await context.openPolicyDesk(ownRules(args, context));
  try {
    return ask(desk);
  } finally {
    await desk.close();
  }
}

function ownRules(args: Arguments, { cwd }: CommandContext): OwnRulesFolders | undefined {
  const [bundles, keys] = [args.text('bundles'), args.text('keys')];
  if (bundles === undefined && keys === undefined) return undefined;
  if (bundles === undefined || keys === undefined)
    throw new MaestroError('USAGE', 'expected --bundles DIR and --keys DIR together');
  return { bundles: resolve(cwd, bundles), keys: resolve(cwd, keys) };
}
