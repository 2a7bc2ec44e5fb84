import { parse } from 'yaml';
import { MaestroError } from '../../src/base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/base/json.ts';
import { evaluateTemplate, renderTemplate } from '../../src/pipeline/expression.ts';
import { objectIn, textOf } from './json-text.ts';
import { loadWorkflowParser } from './workflow-parser.ts';

/** A workflow file of one job. Values keep their `${{ }}`. */
export interface WorkflowFile {
  readonly name: string;
  readonly env: JsonObject;
  readonly jobId: string;
  readonly job: JsonObject;
  readonly permissions: Json;
  readonly inputs: JsonObject;
  readonly defaults: JsonObject;
  readonly steps: readonly JsonObject[];
}

const GITHUB_JOB_MINUTES = 360;

/** What GitHub's own parser has against the file; empty for a workflow that GitHub would run. */
export async function findWorkflowErrors(text: string, path: string): Promise<readonly string[]> {
  const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await loadWorkflowParser();
  const { context, value } = parseWorkflow({ name: path, content: text }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

/**
 * Reads a workflow file that GitHub's parser accepts.
 *
 * @throws MaestroError PIPELINE_INVALID where it is no mapping, or has not exactly one job: the sandbox runs one
 */
export function readWorkflow(text: string, path: string): WorkflowFile {
  const file = objectIn(parse(text) as Json);
  const jobs = Object.entries(objectIn(file.jobs));
  const [first] = jobs;
  if (!first || jobs.length > 1) {
    throw new MaestroError('PIPELINE_INVALID', `the sandbox runs workflows of one job, ${path} has ${jobs.length}`);
  }
  const [jobId, job] = [first[0], objectIn(first[1])];
  return {
    name: typeof file.name === 'string' ? file.name : path,
    env: objectIn(file.env),
    jobId,
    job,
    permissions: job.permissions ?? file.permissions ?? null,
    inputs: objectIn(objectIn(objectIn(file.on).workflow_dispatch).inputs),
    defaults: { ...objectIn(objectIn(file.defaults).run), ...objectIn(objectIn(job.defaults).run) },
    steps: Array.isArray(job.steps) ? job.steps.map(objectIn) : [],
  };
}

/** The labels that `runs-on` asks for. Throws PIPELINE_INVALID or EXPRESSION_FAILED. */
export function labelsOf(workflowText: string, inputs: Readonly<Record<string, string>>): readonly string[] {
  const workflow = readWorkflow(workflowText, 'the workflow');
  const value = evaluateTemplate(workflow.job['runs-on'] ?? null, { inputs: typedInputs(workflow, inputs) }, {});
  const labels = isJsonObject(value) ? (value.labels ?? null) : value;
  const list = Array.isArray(labels) ? labels : [labels];
  if (list.length === 0 || !list.every((label) => typeof label === 'string' && label !== '')) {
    throw new MaestroError(
      'PIPELINE_INVALID',
      `runs-on must be a label or a list of them, got ${JSON.stringify(value)}`,
    );
  }
  return list as readonly string[];
}

/** What `run-name` comes to, or the workflow's name where the file has none. Throws as `labelsOf`. */
export function runNameOf(workflowText: string, inputs: Readonly<Record<string, string>>): string {
  const file = objectIn(parse(workflowText) as Json);
  const workflow = readWorkflow(workflowText, 'the workflow');
  const runName = file['run-name'];
  if (typeof runName !== 'string') return workflow.name;
  return renderTemplate(runName, { inputs: typedInputs(workflow, inputs) }, {});
}

/**
 * What the job's token may do: scope (`contents`, `id-token`) -> access. `read-all` and `write-all` answer under `*`.
 * Without `permissions` GitHub's restricted default holds: contents and packages, read.
 */
export function permissionsOf(workflowText: string): Readonly<Record<string, 'read' | 'write' | 'none'>> {
  const { permissions } = readWorkflow(workflowText, 'the workflow');
  if (permissions === null) return { contents: 'read', packages: 'read' };
  if (permissions === 'read-all') return { '*': 'read' };
  if (permissions === 'write-all') return { '*': 'write' };
  return objectIn(permissions) as Readonly<Record<string, 'read' | 'write' | 'none'>>;
}

/** Inputs with their defaults, as `inputs.` shows them: GitHub gives booleans and numbers their type. */
export function typedInputs(workflow: WorkflowFile, given: Readonly<Record<string, string>>): JsonObject {
  const names = new Set([...Object.keys(workflow.inputs), ...Object.keys(given)]);
  return Object.fromEntries([...names].map((name) => [name, typedInput(objectIn(workflow.inputs[name]), given[name])]));
}

/** Minutes after which the job is cancelled. */
export function jobMinutes(workflow: WorkflowFile, inputs: JsonObject): number {
  const minutes = Number(evaluateTemplate(workflow.job['timeout-minutes'] ?? GITHUB_JOB_MINUTES, { inputs }, {}));
  return Number.isFinite(minutes) && minutes > 0 ? minutes : GITHUB_JOB_MINUTES;
}

function typedInput(definition: JsonObject, given: string | undefined): Json {
  const value = given ?? definition.default ?? (definition.type === 'boolean' ? false : '');
  if (definition.type === 'boolean') return value === true || value === 'true';
  if (definition.type === 'number') return Number(value);
  return textOf(value);
}
