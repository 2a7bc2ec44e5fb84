/** A row as an array, in the order of the selected columns. */
export type Row = readonly unknown[];

/** Parameters that both databases take alike: arrays travel as literals (see `array-literal.ts`). */
export type SqlValue = string | number | boolean | null | Uint8Array;

export interface Session {
  /** `name` makes the statement a prepared one: its text must be a constant. */
  query(name: string, text: string, values: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** Postgres, or Postgres in process. Transactions are `READ COMMITTED`. */
export interface Database extends Session {
  readonly kind: 'postgres' | 'embedded';
  /** Commits when `body` resolves, rolls back when it throws; a deadlock or serialization failure runs it again. */
  transaction<T>(body: (session: Session) => Promise<T>): Promise<T>;
  /** Calls `hear` for each notification; answers a function that ends it. Lost connections are made again. */
  listen(channel: string, hear: (payload: string) => void): Promise<() => Promise<void>>;
  notify(channel: string, payload: string): Promise<void>;
  close(): Promise<void>;
}

/** SQLSTATEs after which the same transaction may succeed: serialization failure, deadlock, lock timeout. */
const RETRYABLE = new Set(['40001', '40P01', '55P03']);
const TRIES_MAX = 5;

export async function withRetries<T>(body: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await body();
    } catch (error) {
      if (tries >= TRIES_MAX || !RETRYABLE.has(sqlState(error))) throw error;
    }
  }
}

function sqlState(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
