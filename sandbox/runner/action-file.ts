import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { MaestroError } from '../../src/base/errors.ts';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { objectIn } from './json-text.ts';

/** An action as its `action.yml` describes it. Values keep their `${{ }}`. */
export interface ActionFile {
  /** Absolute. */
  readonly folder: string;
  /** `owner/name`; null for an action of the workspace. */
  readonly repository: string | null;
  readonly gitRef: string | null;
  readonly inputs: JsonObject;
  readonly outputs: JsonObject;
  readonly runs: ActionRuns;
}

export type ActionRuns =
  | { readonly using: 'node'; readonly main: string; readonly post: string | null; readonly postIf: string }
  | { readonly using: 'composite'; readonly steps: readonly JsonObject[] };

/**
 * Finds the action that `uses` names: `./path` in the workspace, `owner/name[/path]@ref` in `sources`.
 *
 * @throws MaestroError PIPELINE_INVALID where it is not there, or is of a kind that the sandbox does not run
 */
export function findAction(uses: string, workspace: string, sources: Readonly<Record<string, string>>): ActionFile {
  if (uses.startsWith('./')) return readAction(join(workspace, uses), null, null);
  const match = /^([^/@]+\/[^/@]+)(\/[^@]+)?@(.+)$/.exec(uses);
  const [, repository = '', path = '', gitRef = ''] = match ?? [];
  if (!match) throw unusable(`expected owner/name[/path]@ref or ./path in uses, got '${uses}'`);
  const source = Object.hasOwn(sources, repository) ? sources[repository] : undefined;
  if (source === undefined) throw unusable(`unable to resolve action ${uses}, repository not found`);
  if (path.split('/').includes('..')) throw unusable(`the path of ${uses} leaves its repository`);
  return readAction(join(source, path), repository, gitRef);
}

function readAction(folder: string, repository: string | null, gitRef: string | null): ActionFile {
  const path = ['action.yml', 'action.yaml'].map((name) => join(folder, name)).find((name) => existsSync(name));
  if (path === undefined) {
    throw unusable(`can't find 'action.yml' or 'action.yaml' under '${folder}'. Did you forget to check it out?`);
  }
  const file = objectIn(parse(readFileSync(path, 'utf8')) as Json);
  const runs = readRuns(objectIn(file.runs), path);
  return { folder, repository, gitRef, inputs: objectIn(file.inputs), outputs: objectIn(file.outputs), runs };
}

function readRuns(runs: JsonObject, path: string): ActionRuns {
  const { using, main, pre, post } = runs;
  if (using === 'composite' && Array.isArray(runs.steps)) {
    return { using, steps: runs.steps.map(objectIn) };
  }
  if (pre !== undefined) throw unusable(`the sandbox runs no 'pre' of an action: ${path}`);
  if ((using === 'node24' || using === 'node20') && typeof main === 'string') {
    const postIf = runs['post-if'];
    return {
      using: 'node',
      main,
      post: typeof post === 'string' ? post : null,
      postIf: typeof postIf === 'string' ? postIf : 'always()',
    };
  }
  throw unusable(`expected runs.using node20, node24 or composite in ${path}, got '${JSON.stringify(using ?? null)}'`);
}

function unusable(message: string): MaestroError {
  return new MaestroError('PIPELINE_INVALID', message);
}
