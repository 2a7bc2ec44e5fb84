import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError } from '../base/errors.ts';

/** Where GitHub looks for it, and where the server's identity check expects it. */
export const WORKFLOW_PATH = '.github/workflows/maestro.yml';
/** The repository whose root is the action. */
export const ACTION_REPOSITORY = 'maestro-conductor/maestro';

const TEMPLATE = join(import.meta.dirname, '../../templates/repository', WORKFLOW_PATH);
const TEMPLATE_ACTION = `${ACTION_REPOSITORY}@v0.0.0`;
const TEMPLATE_SERVER = 'https://maestro.example.com';

/**
 * The workflow that serves a repository's runs, for one server and one version of the action.
 *
 * `action` is `OWNER/NAME@REF`. Throws USAGE for an address or an action that is none, or that could say more in YAML.
 */
export function repositoryWorkflow(server: string, action: string): string {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || !/^[\w.:/[\]~%-]+$/.test(server) || url.username !== '')
    throw new MaestroError(
      'USAGE',
      `expected --server with an address like https://maestro.example.com, got '${server}'`,
    );
  if (!/^[\w.-]+\/[\w.-]+@[\w./-]+$/.test(action))
    throw new MaestroError('USAGE', `expected the action as OWNER/NAME@REF, got '${action}'`);
  return readFileSync(TEMPLATE, 'utf8')
    .replace(TEMPLATE_ACTION, action)
    .replace(`server: ${TEMPLATE_SERVER}`, `server: ${server.replace(/\/+$/, '')}`);
}
