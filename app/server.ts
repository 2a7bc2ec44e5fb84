#!/usr/bin/env node
import { resolve } from 'node:path';
import process from 'node:process';
import { isMaestroError } from '../src/base/errors.ts';
import { readServerConfig } from './server/config.ts';
import { openLog } from './server/log.ts';
import { openServer } from './server/open-server.ts';

const USAGE = `npm start: the server of the GitHub App

Settings come from the environment; docs/guides/install-the-app.md lists them. MAESTRO_URL, APP_ID, PRIVATE_KEY (or
PRIVATE_KEY_PATH) and WEBHOOK_SECRET are needed, DATABASE_URL is wanted. Logs are JSON lines on standard output.
`;
/** The way out of a process that does not end by itself. */
const EXIT_MS_MAX = 30_000;
const EXIT_USAGE = 2;

if (process.argv.includes('--help') || process.argv.includes('-h')) process.stdout.write(USAGE);
else await serve();

async function serve(): Promise<void> {
  const log = openLog(process.env.LOG_LEVEL || 'info');
  try {
    const config = readServerConfig(process.env, resolve('.'));
    const server = await openServer(config, log);
    log.info({ port: server.port, url: config.publicUrl, roles: [...config.roles] }, 'ready');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void leave(signal));
    const leave = async (signal: string): Promise<void> => {
      log.info({ signal }, 'draining');
      setTimeout(() => process.exit(1), EXIT_MS_MAX).unref();
      // What is not done stands in the database; a database that is away must not look like a crash.
      await server.drain().catch((error: unknown) => {
        log.error({ err: error }, 'left without draining');
        process.exitCode = 1;
      });
      log.info('left');
    };
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    process.stderr.write(`error[${error.code}]: ${error.message}\n  next: ${error.nextStep}\n`);
    // What was opened already would keep the process alive.
    process.exit(EXIT_USAGE);
  }
}
