import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MaestroSetting } from './maestro-command.ts';

/** Where the demo plays. Paths are absolute. */
export interface Stage {
  readonly output: string;
  readonly checkout: string;
  readonly state: string;
  readonly keyFile: string;
  readonly registryUrl: string;
  /** How `maestro` is called in the checkout. */
  readonly setting: MaestroSetting;
}

/** The reader's own state, keys and database stay untouched: every command of the demo is told to use these. */
export function prepareStage(
  output: string,
  registryUrl: string,
  environment: Readonly<Record<string, string | undefined>>,
): Stage {
  const checkout = join(output, 'checkout');
  const state = join(output, 'state');
  const keyFile = join(output, 'key', 'signing-key.pem');
  mkdirSync(output, { recursive: true });
  const env = {
    ...environment,
    MAESTRO_HOME: state,
    MAESTRO_SIGNING_KEY: keyFile,
    DATABASE_URL: undefined,
    // The registry of the demo is on this machine, whatever proxy is used for others.
    NO_PROXY: '127.0.0.1',
  };
  return { output, checkout, state, keyFile, registryUrl, setting: { cwd: checkout, env } };
}
