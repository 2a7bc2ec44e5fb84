import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { cpuSecondsOfTree, fsyncMicros, stolenTicks } from './machine.ts';
import { rounded } from './statistics.ts';

/** From 18 on, WAL syncs are counted in pg_stat_io. */
const VERSION_WAL_IN_IO = 180_000;
const FLUSH_TRIES_MAX = 100;
const FLUSH_EVERY_MS = 50;

interface Reading {
  readonly lsn: string;
  readonly commits: number;
  readonly rollbacks: number;
  readonly walSyncs: number;
  readonly serverCpuSeconds: number | null;
  readonly ownCpu: NodeJS.CpuUsage;
  readonly stolen: { readonly stolen: number; readonly all: number };
}

/**
 * What a piece of work cost the server and this process.
 *
 * `begin`, the work, `mark` at the instant it is complete, close the engine (a backend hands in its counts when it ends),
 * `perStep`. CPU needs the server on this machine.
 */
export class PostgresMeter {
  readonly #url: string;
  #begin: Reading | undefined;
  #mark: Reading | undefined;
  #fsyncMicros: number | null = null;

  constructor(url: string) {
    this.#url = url;
  }

  async begin(): Promise<void> {
    await this.#ask('checkpoint');
    this.#fsyncMicros = fsyncMicros();
    this.#begin = await this.#read();
  }

  async mark(): Promise<void> {
    this.#mark = await this.#read();
  }

  async perStep(steps: number): Promise<Record<string, number | null>> {
    await this.#othersGone();
    const [begin, mark, end] = [this.#begin, this.#mark, await this.#read()];
    if (!begin || !mark) throw new Error('expected begin() and mark() before perStep()');
    const wal = await this.#ask(`select pg_wal_lsn_diff('${mark.lsn}', '${begin.lsn}')::float8 as bytes`);
    const nodeCpu = (mark.ownCpu.user + mark.ownCpu.system - begin.ownCpu.user - begin.ownCpu.system) / 1e6;
    const serverCpu = mark.serverCpuSeconds === null ? null : mark.serverCpuSeconds - (begin.serverCpuSeconds ?? 0);
    const ticks = Math.max(1, mark.stolen.all - begin.stolen.all);
    return {
      txPerStep: rounded((end.commits - begin.commits) / steps, 4),
      walBytesPerStep: rounded(Number(wal.bytes) / steps, 0),
      walSyncsPerStep: rounded((end.walSyncs - begin.walSyncs) / steps, 4),
      rollbacks: end.rollbacks - begin.rollbacks,
      cpuMicrosPerStep: serverCpu === null ? null : rounded(((nodeCpu + serverCpu) * 1e6) / steps, 1),
      cpuNodeSeconds: rounded(nodeCpu, 2),
      cpuServerSeconds: rounded(serverCpu, 2),
      stolenPercent: rounded((100 * (mark.stolen.stolen - begin.stolen.stolen)) / ticks, 1),
      fsyncMicros: rounded(this.#fsyncMicros, 0),
    };
  }

  async vacuum(): Promise<void> {
    await this.#ask('vacuum analyze');
  }

  /** Waits until no session but ours is open, so that all counts are in. */
  async #othersGone(): Promise<void> {
    for (let tries = 0; tries < FLUSH_TRIES_MAX; tries++) {
      const { others } = await this.#ask(`select count(*)::int as others from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`);
      if (others === 0) return;
      await wait(FLUSH_EVERY_MS);
    }
    throw new Error('the engine left sessions open after close()');
  }

  async #read(): Promise<Reading> {
    const { version } = await this.#ask(`select current_setting('server_version_num')::int as version`);
    const syncs =
      Number(version) >= VERSION_WAL_IN_IO
        ? `(select sum(fsyncs) from pg_stat_io where object = 'wal')`
        : '(select wal_sync from pg_stat_wal)';
    const row = await this.#ask(`select pg_current_wal_insert_lsn()::text as lsn, xact_commit::float8 as commits,
      xact_rollback::float8 as rollbacks, ${syncs}::float8 as syncs, current_setting('data_directory') as folder
      from pg_stat_database where datname = current_database()`);
    return {
      lsn: String(row.lsn),
      commits: Number(row.commits),
      rollbacks: Number(row.rollbacks),
      walSyncs: Number(row.syncs),
      serverCpuSeconds: serverCpuSeconds(String(row.folder)),
      ownCpu: process.cpuUsage(),
      stolen: stolenTicks(),
    };
  }

  async #ask(sql: string): Promise<Record<string, unknown>> {
    const client = new Client({ connectionString: this.#url });
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      return rows[0] ?? {};
    } finally {
      await client.end();
    }
  }
}

function serverCpuSeconds(dataFolder: string): number | null {
  try {
    return cpuSecondsOfTree(Number(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n', 1)[0]));
  } catch {
    return null; // the server is on another machine, or its folder is not ours to read
  }
}
