import { isMaestroError, MaestroError } from '../src/base/errors.ts';
import type { Database } from '../src/store/database.ts';
import type { Config } from './config.ts';

/** What a failed connection says, by the code of the system or the SQLSTATE of the server. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'nothing listens there: start it, or correct host and port'],
  ['ENOTFOUND', 'no host has that name: correct it'],
  ['EAI_AGAIN', 'the name of the host cannot be looked up now: see whether the network is up'],
  ['ETIMEDOUT', 'no answer: see whether a firewall is between'],
  ['EHOSTUNREACH', 'no way leads to that host: see whether the network is up'],
  ['ENETUNREACH', 'no way leads to that network: see whether the network is up'],
  ['ECONNRESET', 'it closed the connection: see its log, and whether it wants TLS'],
  ['ENOENT', 'no socket is there: start it, or correct the folder of the socket'],
  ['EACCES', 'its socket is not for this user'],
  ['28P01', 'it refused the password: correct it'],
  ['28000', 'it refused the user or the address: see its pg_hba.conf'],
  ['3D000', 'it has no such database: create it'],
  ['53300', 'it has no connection left: raise its max_connections'],
  ['57P03', 'it is starting or stopping: try again in a moment'],
]);
/** How `pg` tells of its own time limit: an error without a code. */
const TIMED_OUT = /timeout/i;

/** @throws MaestroError CONFIG_INVALID where the Postgres cannot be reached; what opening the embedded one throws */
export async function openDatabase(config: Pick<Config, 'databaseUrl' | 'stateFolder'>): Promise<Database> {
  if (config.databaseUrl === undefined) {
    const { openEmbedded } = await import('../src/store/embedded.ts');
    return openEmbedded(config.stateFolder);
  }
  const { openPostgres } = await import('../src/store/postgres.ts');
  try {
    return await openPostgres(config.databaseUrl);
  } catch (error) {
    if (isMaestroError(error)) throw error;
    throw new MaestroError(
      'CONFIG_INVALID',
      `cannot reach the Postgres that DATABASE_URL names (${placeOf(config.databaseUrl)}): ${reasonOf(error)}`,
      { cause: error },
    );
  }
}

/** Host and port alone: the rest may hold a password. */
function placeOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  return `${hostname || searchParams.get('host') || 'localhost'}:${port || searchParams.get('port') || '5432'}`;
}

/** Never the error's own text: it may repeat parts of the URL. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const known = typeof code === 'string' ? REASONS.get(code) : undefined;
  if (typeof code === 'string') return `${known ?? 'it refused the connection'} (${code})`;
  return TIMED_OUT.test(String(message)) ? (REASONS.get('ETIMEDOUT') ?? '') : 'the connection failed; see its log';
}
