import { parse } from 'yaml';
import type { Repository, Workflow } from '../model.ts';

const FOLDER = '.github/workflows';
const FILE_BYTES_MAX = 500 * 1024;

export interface WorkflowTriggers {
  readonly events: ReadonlySet<string>;
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: unknown }>>;
  /** Of `push`: null where every branch counts. */
  readonly pushBranches: readonly string[] | null;
}

/** The workflow files of a commit. */
export async function listWorkflows(repository: Repository, commit: string): Promise<readonly Workflow[]> {
  const folder = await repository.git.entry(commit, FOLDER);
  if (folder === null || folder.type !== 'tree') return [];
  const workflows: Workflow[] = [];
  for (const entry of await repository.git.tree(folder.sha, false)) {
    if (!/\.ya?ml$/.test(entry.path) || (entry.size ?? 0) > FILE_BYTES_MAX) continue;
    const path = `${FOLDER}/${entry.path}`;
    const text = (await repository.git.blob(entry.sha)).toString();
    workflows.push({ id: workflowId(repository, path), path, name: nameOf(text, path), text });
  }
  return workflows;
}

export function triggersOf(text: string): WorkflowTriggers {
  const file = mapping(read(text));
  const on: unknown = file['on'] ?? file['true'];
  const names = typeof on === 'string' ? [on] : Array.isArray(on) ? on.map(String) : Object.keys(mapping(on));
  const { push, workflow_dispatch: dispatch } = mapping(on);
  const branches = mapping(push)['branches'];
  return {
    events: new Set(names),
    inputs: mapping(mapping(dispatch)['inputs']) as WorkflowTriggers['inputs'],
    pushBranches: Array.isArray(branches) ? branches.map(String) : mapping(push)['tags'] === undefined ? null : [],
  };
}

/** The environment of the workflow's job, or null. */
export function environmentNameOf(text: string): string | null {
  const job = mapping(Object.values(mapping(mapping(read(text))['jobs']))[0]);
  const { environment } = job;
  if (typeof environment === 'string') return environment;
  const { name } = mapping(environment);
  return typeof name === 'string' ? name : null;
}

export function jobKeyOf(text: string): string {
  return Object.keys(mapping(mapping(read(text))['jobs']))[0] ?? 'job';
}

/** Ids stay equal over commits: by repository and path. */
function workflowId(repository: Repository, path: string): number {
  const hash = Array.from(path).reduce((sum, letter) => (sum * 33 + (letter.codePointAt(0) ?? 0)) % 65_521, 5381);
  return repository.id * 65_536 + hash;
}

function nameOf(text: string, path: string): string {
  const { name } = mapping(read(text));
  return typeof name === 'string' ? name : path;
}

/** A file that is no YAML has no triggers: GitHub lists it and never starts it. */
function read(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
