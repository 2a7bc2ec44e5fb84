import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { Containerfile } from './containerfile.ts';
import { findTool, type ToolName } from './image-tool.ts';
import { recipeOf } from './recipe.ts';

/**
 * Who builds a file: what needs nothing is built here, so that it is the same on every machine, and everything else by the
 * first of buildah, podman and docker that is there.
 *
 * @throws MaestroError INPUT_INVALID with the line that needs a tool where there is none, STEP_NOT_AVAILABLE for a wanted tool
 * that is not there
 */
export async function chooseBuilder(
  file: Containerfile,
  args: Readonly<Record<string, string>>,
  wanted: 'auto' | 'scratch' | ToolName,
  path: string,
): Promise<'scratch' | ToolName> {
  const reason = wanted === 'auto' ? reasonForTool(file, args) : undefined;
  if (wanted === 'scratch' || (wanted === 'auto' && reason === undefined)) return 'scratch';
  const tool = await findTool(wanted, path);
  if (tool) return tool;
  if (reason) throw reason;
  throw new MaestroError('STEP_NOT_AVAILABLE', `expected ${wanted} on the worker’s PATH, it is not there`);
}

function reasonForTool(file: Containerfile, args: Readonly<Record<string, string>>): MaestroError | undefined {
  try {
    recipeOf(file, args);
    return undefined;
  } catch (error) {
    if (isMaestroError(error, 'INPUT_INVALID')) return error;
    throw error;
  }
}
