import { digestJson } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { parseMoney } from '../base/money.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { RunTrigger, StartRun } from '../protocol/client.ts';
import type { Arguments } from './arguments.ts';
import type { CommandContext, Principal } from './context.ts';
import { countFindings, findingText } from './finding-text.ts';
import { type GitFacts, readGitFacts } from './git-facts.ts';
import { readPipelineSource, resolvePipeline } from './pipeline-files.ts';
import { claimedPrincipal } from './principal.ts';

/**
 * Compiles what the arguments name, and says who asks and for which source.
 * @throws MaestroError PIPELINE_NOT_FOUND, PIPELINE_INVALID (after showing every finding), PARAM_INVALID, USAGE
 */
export async function readRunRequest(
  args: Arguments,
  context: CommandContext,
  pipeline = pipelineName(args),
): Promise<StartRun> {
  const plan = await compilePlan(args, context, pipeline);
  const budget = readBudget(args);
  return {
    plan: budget === undefined ? plan : { ...plan, budget: { ...plan.budget, microUsd: budget } },
    trigger: manualTrigger(readGitFacts(context.root), principalOf(args, context)),
  };
}

/** Who acts: whom `--actor` names, else the user of this machine. Throws USAGE. */
export function principalOf(args: Arguments, context: CommandContext): Principal {
  const given = args.text('actor');
  return given === undefined ? context.principal : claimedPrincipal(given);
}

/** Values of `--secret NAME[=VARIABLE]`, from the environment: a value on the command line would show in `ps`. */
export function readSecrets(args: Arguments, context: CommandContext): Readonly<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const given of args.list('secret')) {
    const { name, value: variable } = splitPair(given, 'secret', true);
    const value = context.environment(variable ?? name);
    if (value === undefined) {
      throw new MaestroError(
        'SECRET_NOT_FOUND',
        `expected the environment variable ${variable ?? name} for the secret ${name}`,
      );
    }
    secrets[name] = value;
  }
  return secrets;
}

async function compilePlan(args: Arguments, context: CommandContext, pipeline: string | undefined): Promise<Plan> {
  const path = resolvePipeline(pipeline, context.cwd, context.root);
  const source = readPipelineSource(path, context.root);
  const compiler = await context.openCompiler();
  const { plan, findings } = compiler.compile(source, readParams(args));
  const { columns } = context.terminal.size();
  for (const finding of findings)
    context.output.note(findingText(source.path, source.text, finding, columns, context.output.paint));
  if (!plan) throw new MaestroError('PIPELINE_INVALID', `${source.path} cannot run: ${countFindings(findings)}`);
  return plan;
}

function pipelineName(args: Arguments): string | undefined {
  const given = [args.positionals[0], args.text('manifest'), args.text('template')].filter(
    (name) => name !== undefined,
  );
  if (given.length > 1) throw new MaestroError('USAGE', `expected one pipeline, got ${given.join(' and ')}`);
  return given[0];
}

function readParams(args: Arguments): Record<string, string> {
  const params: Record<string, string> = {};
  for (const given of args.list('param')) {
    const { name, value } = splitPair(given, 'param', false);
    params[name] = value ?? '';
  }
  return params;
}

function splitPair(
  given: string,
  flag: string,
  isValueOptional: boolean,
): { readonly name: string; readonly value: string | undefined } {
  const cut = given.indexOf('=');
  const name = cut < 0 ? given : given.slice(0, cut);
  const isMissing = cut < 0 && !isValueOptional;
  if (name === '' || isMissing) {
    // What was given may be a secret's value typed in the wrong place, so it is not repeated.
    throw new MaestroError('USAGE', `expected --${flag} NAME${isValueOptional ? '[=VARIABLE]' : '=VALUE'}`);
  }
  return { name, value: cut < 0 ? undefined : given.slice(cut + 1) };
}

function readBudget(args: Arguments): number | undefined {
  const given = args.text('budget');
  if (given === undefined) return undefined;
  const microUsd = parseMoney(given);
  if (microUsd === undefined) throw new MaestroError('USAGE', `expected --budget as 5usd or 0.25usd, got '${given}'`);
  return microUsd;
}

function manualTrigger(git: GitFacts, actor: Principal): RunTrigger {
  const github = githubContext(git, actor);
  return {
    type: 'manual',
    actor,
    source: { uri: git.uri, gitCommit: git.commit, ref: git.ref },
    github,
    eventDigest: digestJson(github),
    isFork: false,
  };
}

/** What a pipeline sees as `github` when a person starts it by hand: the fields of a dispatched Actions run. */
function githubContext(git: GitFacts, actor: Principal): JsonObject {
  return {
    event_name: 'workflow_dispatch',
    event: {},
    actor: actor.id,
    repository: git.repository,
    repository_owner: git.repository.split('/')[0] ?? '',
    sha: git.commit ?? '',
    ref: git.ref ?? '',
    ref_name: (git.ref ?? '').replace(/^refs\/(?:heads|tags)\//, ''),
    ref_type: 'branch',
  };
}
