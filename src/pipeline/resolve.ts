import semver from 'semver';
import { isMaestroError, messageOf } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { SHELL_ENTRY, SHELL_STEP, type StepCatalog } from './catalog.ts';
import type { Findings, Span } from './finding.ts';
import type { PlanStep, StepKind } from './plan.ts';
import { didYouMean } from './suggest.ts';
import { joinInside, readTask, type SourceTree, type Task, type TaskCapabilities } from './task-manifest.ts';

/** What `uses` stands for. */
export interface ResolvedStep {
  readonly kind: StepKind;
  readonly code: PlanStep['code'];
  readonly isIdempotent: boolean;
  readonly inputSchema?: JsonObject;
  readonly capabilities?: TaskCapabilities;
}

/** Finds what steps run; each `uses` is looked up and read once, and reported at every place that names it. */
export class Resolver {
  readonly #catalog: StepCatalog;
  readonly #tree: SourceTree;
  readonly #findings: Findings;
  readonly #known = new Map<string, Resolution>();

  constructor(catalog: StepCatalog, tree: SourceTree, findings: Findings) {
    this.#catalog = catalog;
    this.#tree = tree;
    this.#findings = findings;
  }

  resolve(uses: string, span: Span): ResolvedStep {
    let resolution = this.#known.get(uses);
    if (!resolution) {
      resolution = resolveUses(uses, this.#catalog, this.#tree);
      this.#known.set(uses, resolution);
    }
    const { remark } = resolution;
    if (remark) this.#findings[remark.severity](remark.code, span, remark.message);
    return resolution.step;
  }
}

interface Resolution {
  readonly step: ResolvedStep;
  readonly remark?: {
    readonly severity: 'error' | 'warning';
    readonly code: Parameters<Findings['error']>[0];
    readonly message: string;
  };
}

function resolveUses(uses: string, catalog: StepCatalog, tree: SourceTree): Resolution {
  if (uses === '') return { step: unresolved(uses) };
  if (uses.startsWith('pkg:')) return resolvePackage(uses, tree);
  if (uses.startsWith('.') || uses.startsWith('/')) return resolvePath(uses, tree);
  return resolveName(uses, catalog);
}

function resolveName(uses: string, catalog: StepCatalog): Resolution {
  const [name = '', version] = uses.split('@');
  const entry = catalog.get(name) ?? (name === SHELL_STEP ? SHELL_ENTRY : undefined);
  if (!entry) {
    const message = `unknown step "${name}"${didYouMean(name, catalog.keys())}: expected a built-in step, ./path or pkg:npm/name@1.2.3`;
    return failed(uses, 'uses-unknown', message);
  }
  if (version !== undefined && !semver.valid(version))
    return failed(uses, 'uses-invalid', `expected a version such as 1.2.3 after "@", got "${version}"`);
  const uri = `maestro:${uses}`;
  const step: ResolvedStep = {
    kind: entry.kind,
    code: entry.digest ? { uri, digest: entry.digest } : { uri },
    isIdempotent: entry.isIdempotent,
    ...(entry.inputSchema && { inputSchema: entry.inputSchema }),
  };
  if (entry.isAvailable) return { step };
  return {
    step,
    remark: {
      severity: 'warning',
      code: 'step-unavailable',
      message: `"${name}" is known, but this version of Maestro cannot run it`,
    },
  };
}

function resolvePath(uses: string, tree: SourceTree): Resolution {
  const folder = joinInside('', uses);
  if (folder === undefined || folder === '')
    return failed(uses, 'path-outside', `expected a folder inside the repository such as ./tasks/build, got "${uses}"`);
  try {
    return { step: taskStep(`./${folder}`, readTask(folder, tree)) };
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return failed(uses, error.code === 'TASK_NOT_FOUND' ? 'task-not-found' : 'task-invalid', messageOf(error));
  }
}

const PACKAGE = /^pkg:([a-z][a-z0-9.+-]*)\/(.+)@([^@/]+)$/;
const NPM_NAME = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;

function resolvePackage(uses: string, tree: SourceTree): Resolution {
  const match = PACKAGE.exec(uses.replace('%40', '@'));
  if (!match)
    return failed(
      uses,
      'package-not-pinned',
      `expected a package with its exact version such as pkg:npm/@scope/task@1.2.0, got "${uses}"`,
    );
  const [, type = '', name = '', version = ''] = match;
  if (type !== 'npm')
    return warned(uses, 'package-type', `packages of type "${type}" cannot be pinned by digest yet; pkg:npm can`);
  if (!NPM_NAME.test(name)) return failed(uses, 'uses-invalid', `expected the name of an npm package, got "${name}"`);
  if (semver.valid(version) !== version)
    return failed(uses, 'package-not-pinned', `expected an exact version such as 1.2.0, got "${version}"`);
  return resolveInstalled(uses, `node_modules/${name}`, version, tree);
}

function resolveInstalled(uses: string, folder: string, version: string, tree: SourceTree): Resolution {
  try {
    const task = readTask(folder, tree);
    const installed = installedVersion(folder, task, tree);
    if (installed === version) return { step: taskStep(uses, task) };
    return failed(
      uses,
      'package-version',
      `expected version ${version}, but ${folder} has ${installed ?? 'none'}: install the exact version`,
    );
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    if (error.code === 'TASK_INVALID') return failed(uses, 'task-invalid', error.message);
    return warned(
      uses,
      'package-not-installed',
      `${folder} has no task, so the step cannot be pinned by digest: install the package`,
    );
  }
}

/** `package.json` says the version that was installed; the task's own manifest stands in for it. */
function installedVersion(folder: string, task: Task, tree: SourceTree): string | undefined {
  const bytes = tree.read(`${folder}/package.json`);
  if (!bytes) return task.manifest.version;
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) as { version?: string }).version;
  } catch {
    return undefined;
  }
}

function taskStep(uri: string, { manifest, digest }: Task): ResolvedStep {
  return {
    kind: 'work',
    code: { uri, digest },
    isIdempotent: manifest.isIdempotent,
    capabilities: manifest.capabilities,
    ...(manifest.input && { inputSchema: manifest.input }),
  };
}

function unresolved(uses: string): ResolvedStep {
  return { kind: 'work', code: { uri: uses }, isIdempotent: false };
}

type Code = Parameters<Findings['error']>[0];

function failed(uses: string, code: Code, message: string): Resolution {
  return { step: unresolved(uses), remark: { severity: 'error', code, message } };
}

function warned(uses: string, code: Code, message: string): Resolution {
  return { step: unresolved(uses), remark: { severity: 'warning', code, message } };
}
