import { Client, type ClientConfig, Pool, type PoolClient } from 'pg';
import { type Database, type Row, type Session, type SqlValue, withRetries } from './database.ts';

const CONNECTIONS_MAX = 10;
const RELISTEN_DELAY_MS = 500;
/** An idle connection is asked for a sign of life after this; without one it is given up some ten seconds later. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
/** A process that stops in mid-transaction must not stop the others: the server ends what takes longer. */
const LIMITS = { idle_in_transaction_session_timeout: 30_000, lock_timeout: 20_000, statement_timeout: 120_000 };
/** What `pg` says of a query that took longer than `query_timeout`: an error without a code. */
const TIMED_OUT = 'Query read timeout';

/** How long this side waits. */
export interface PostgresPatience {
  readonly connectMs: number;
  /**
   * Of one query: a little longer than the server allows it. A host that vanishes sends no more word, and the system would
   * go on sending to it for a quarter of an hour.
   */
  readonly queryMs: number;
}

const PATIENCE: PostgresPatience = { connectMs: 10_000, queryMs: LIMITS.statement_timeout + 5000 };

export async function openPostgres(url: string, patience: PostgresPatience = PATIENCE): Promise<Database> {
  const options = {
    connectionString: url,
    connectionTimeoutMillis: patience.connectMs,
    query_timeout: patience.queryMs,
    ...KEEP_ALIVE,
  };
  const pool = new Pool({ ...options, max: CONNECTIONS_MAX, application_name: 'maestro', ...LIMITS });
  // An idle connection that breaks is dropped from the pool; the next query reports what is wrong.
  pool.on('error', () => {});
  const listeners = new Set<Listener>();
  await pool.query('select 1');
  return {
    kind: 'postgres',
    query: (name, text, values) => run(pool, name, text, values),
    transaction: (body) => withRetries(() => inTransaction(pool, body)),
    listen: async (channel, hear) => {
      const listener = new Listener(options, channel, hear);
      listeners.add(listener);
      await listener.start();
      return async () => {
        listeners.delete(listener);
        await listener.stop();
      };
    },
    notify: async (channel, payload) => {
      await run(pool, 'notify', 'select pg_notify($1, $2)', [channel, payload]);
    },
    close: async () => {
      for (const listener of listeners) await listener.stop();
      await pool.end();
    },
  };
}

async function run(
  client: Pool | PoolClient,
  name: string,
  text: string,
  values: readonly SqlValue[],
): Promise<readonly Row[]> {
  const result = await client.query<unknown[]>({ name, text, values: values as SqlValue[], rowMode: 'array' });
  return result.rows;
}

async function inTransaction<T>(pool: Pool, body: (session: Session) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks while it is checked out says so here; unheard, that would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  const query: Session['query'] = async (name, text, values) => {
    try {
      return await run(client, name, text, values);
    } catch (error) {
      if ((error as Error).message === TIMED_OUT) broken = error as Error;
      throw error;
    }
  };
  try {
    await query('', 'begin', []);
    const result = await body({ query });
    await query('', 'commit', []);
    return result;
  } catch (error) {
    // A connection that does not answer is not asked for more: dropped, it is rolled back by the server.
    if (!broken) await query('', 'rollback', []).catch(onError);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** One connection that listens, made again when it breaks; a reconnect is told as an empty payload, since facts may have been missed. */
class Listener {
  readonly #options: ClientConfig;
  readonly #channel: string;
  readonly #hear: (payload: string) => void;
  #client: Client | undefined;
  #isStopped = false;

  constructor(options: ClientConfig, channel: string, hear: (payload: string) => void) {
    this.#options = options;
    this.#channel = channel;
    this.#hear = hear;
  }

  async start(): Promise<void> {
    const client = new Client({ ...this.#options, application_name: 'maestro listen' });
    client.on('notification', (message) => this.#hear(message.payload ?? ''));
    client.on('error', () => this.#restart(client));
    client.on('end', () => this.#restart(client));
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    if (this.#isStopped) await client.end();
    else this.#client = client;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#client?.end();
  }

  #restart(client: Client): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#client = undefined;
    const again = (): void => {
      if (this.#isStopped) return;
      this.start().then(
        () => this.#hear(''),
        () => setTimeout(again, RELISTEN_DELAY_MS).unref(),
      );
    };
    setTimeout(again, RELISTEN_DELAY_MS).unref();
  }
}
