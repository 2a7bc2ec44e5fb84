import type { JsonObject } from '../../base/json.ts';
import type { CompileAnswer } from '../../pipeline/compile.ts';
import type { Finding } from '../../pipeline/finding.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { Triggers } from '../../pipeline/triggers.ts';
import type { CodeEvent } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';
import type { StartChoice } from '../starter.ts';
import { changedFiles } from './changed-files.ts';
import { type FileFilter, matchesFiles, matchTriggers } from './match.ts';
import { type Compile, compileSource, readPipelines, type SourceFile } from './read-pipelines.ts';
import { type BlobCache, openRepositoryFiles, type RepositoryFiles } from './repository-files.ts';
import { asksToSkip } from './skip-marker.ts';

/** A pipeline of the repository, and what an event means to it. */
export interface Judgement {
  /** `.maestro/ci.yaml` */
  readonly path: string;
  /** The pipeline's own name; the file's where it cannot be read. */
  readonly name: string;
  /** Empty where the file cannot be read. */
  readonly triggers: Triggers;
  readonly verdict: Verdict;
}

/**
 * `other`: the event is none of its business. `filtered`: its filters leave the event out, and a rule may wait for its
 * check. `broken`: it has errors.
 */
type Verdict =
  | { readonly type: 'other' }
  | { readonly type: 'filtered'; readonly by: 'branch' | 'paths'; readonly reason: string }
  | { readonly type: 'broken'; readonly reason: string; readonly findings: readonly Finding[] }
  | { readonly type: 'start'; readonly plan: Plan };

const OTHER: Verdict = { type: 'other' };
/** Events for which a file that cannot be read is reported: those that put checks on a commit by themselves. */
const CODE_TYPES: readonly CodeEvent['type'][] = ['push', 'pull_request', 'merge_group'];

export interface JudgeOptions {
  readonly octokit: Octokit;
  readonly compile: Compile;
  readonly cache: BlobCache;
}

/**
 * Reads the pipelines at the event's `definitionsSha` and says of each what the event means to it. Asks GitHub for changed
 * files and for the commit's message only where the answer depends on them.
 */
export async function judgePipelines(
  { octokit, compile, cache }: JudgeOptions,
  event: CodeEvent,
  choice: StartChoice,
): Promise<readonly Judgement[]> {
  const params = choice.params ?? event.command?.params ?? {};
  const world = {
    changed: once(() => changedFiles(octokit, event)),
    skips: once(() => isSkipped(octokit, event, choice)),
  };
  const judgements: Judgement[] = [];
  for (const compiled of await compileAll({ octokit, compile, cache }, event, params)) {
    const { name, triggers, source } = compiled;
    const verdict = await judge(compiled, source, event, choice, world);
    judgements.push({ path: source.path, name, triggers, verdict });
  }
  return judgements;
}

/** The pipelines at the event's `definitionsSha`, whatever it means to them: two reads of GitHub and what is not cached. */
export async function listPipelines(
  options: JudgeOptions,
  event: CodeEvent,
): Promise<readonly Pick<Judgement, 'name' | 'triggers'>[]> {
  return compileAll(options, event, {});
}

async function compileAll(
  { octokit, compile, cache }: JudgeOptions,
  event: CodeEvent,
  params: JsonObject,
): Promise<readonly CompiledFile[]> {
  const files = openRepositoryFiles(octokit, event.repository, event.definitionsSha, cache);
  const compiled: CompiledFile[] = [];
  for (const source of await readPipelines(files)) compiled.push(await compileFile(compile, source, params, files));
  return compiled;
}

interface World {
  readonly changed: () => Promise<readonly string[] | null>;
  readonly skips: () => Promise<boolean>;
}

interface CompiledFile {
  readonly source: SourceFile;
  readonly name: string;
  readonly triggers: Triggers;
  readonly answer: CompileAnswer | undefined;
}

async function compileFile(
  compile: Compile,
  source: SourceFile,
  params: JsonObject,
  files: RepositoryFiles,
): Promise<CompiledFile> {
  const { path, text } = source;
  const answer = text === undefined ? undefined : await compileSource(compile, { path, text }, params, files);
  const pipeline = answer?.pipeline;
  const name = pipeline === undefined || pipeline.name === '' ? stemOf(path) : pipeline.name;
  return { source, name, triggers: pipeline?.triggers ?? {}, answer };
}

async function judge(
  { name, triggers, answer }: CompiledFile,
  source: SourceFile,
  event: CodeEvent,
  choice: StartChoice,
  world: World,
): Promise<Verdict> {
  if (choice.pipeline === undefined) {
    const refusal = await refusalOf(isReadable(answer) ? triggers : undefined, event, world);
    if (refusal) return refusal;
  } else if (![name, source.path, stemOf(source.path)].includes(choice.pipeline)) return OTHER;
  if (answer?.plan) return { type: 'start', plan: answer.plan };
  const findings = answer?.findings ?? [];
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return { type: 'broken', reason: source.reason ?? `${source.path} has ${errors} errors`, findings };
}

/** Whether its triggers are known: a file that is no YAML, or of another shape, may have lost them. */
function isReadable(answer: CompileAnswer | undefined): boolean {
  if (!answer?.pipeline) return false;
  if (answer.plan || Object.keys(answer.pipeline.triggers).length > 0) return true;
  return !answer.findings.some(({ severity, code }) => severity === 'error' && /^(?:yaml|file|schema)-/.test(code));
}

/** Why the event starts nothing here; undefined where it does. A commit that asks to skip is left alone, as on GitHub. */
async function refusalOf(triggers: Triggers | undefined, event: CodeEvent, world: World): Promise<Verdict | undefined> {
  if (!triggers) return CODE_TYPES.includes(event.type) && !(await world.skips()) ? undefined : OTHER;
  const match = matchTriggers(triggers, event);
  if (match.type === 'other' || (await world.skips())) return OTHER;
  if (match.type === 'filtered') return match;
  if (match.files === null || (await isChanged(match.files, world))) return undefined;
  return { type: 'filtered', by: 'paths', reason: 'its filter of paths matches none of the files that changed' };
}

async function isChanged(filter: FileFilter, world: World): Promise<boolean> {
  const changed = await world.changed();
  return changed === null || matchesFiles(filter, changed);
}

/** Somebody who asks by name, or anew, means it. */
async function isSkipped(octokit: Octokit, event: CodeEvent, choice: StartChoice): Promise<boolean> {
  if (choice.occasion !== undefined || choice.isTrusted === true) return false;
  if (event.type === 'push') return event.commitMessage !== null && asksToSkip(event.commitMessage);
  if (event.type !== 'pull_request') return false;
  const place = { owner: event.repository.owner, repo: event.repository.name, ref: event.headSha };
  const { data } = await octokit.rest.repos.getCommit({ ...place, per_page: 1 });
  return asksToSkip(data.commit.message);
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}

/** `.maestro/ci.yaml` is `ci`. */
function stemOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[a-z]+$/, '');
}
